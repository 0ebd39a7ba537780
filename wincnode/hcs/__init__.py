"""The Host Compute Service in values."""
