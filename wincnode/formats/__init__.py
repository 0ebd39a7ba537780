"""Output formats: a `Report` in, text out."""
