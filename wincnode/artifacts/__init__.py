"""What a node gets: catalogue -> lock file -> verified cache."""
