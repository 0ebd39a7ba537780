"""Turns existing Windows Server machines into workers of a Kubernetes cluster, over WinRM."""

__version__ = "0.1.0"
