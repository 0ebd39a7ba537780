"""What an image offers, and which of it a node gets: values and rules, no network."""
