"""An OCI registry client that reads: which Windows builds an image reference really offers."""
