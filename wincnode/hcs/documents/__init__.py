"""Documents of the Host Compute Service: typed, and written for one build of Windows."""
