"""What a cluster needs for its Windows nodes: manifests, rendered from templates."""
