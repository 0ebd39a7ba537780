"""Simulated Windows nodes behind a real WS-Management server; product code never imports it."""
