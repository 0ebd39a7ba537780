"""Documents of the Host Compute Network API (HCN), schema 2."""
