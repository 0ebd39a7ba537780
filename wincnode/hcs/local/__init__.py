"""Executes programs of the Host Compute Service on this Windows host, by ctypes."""
