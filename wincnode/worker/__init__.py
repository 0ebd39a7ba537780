"""The files and command lines of a worker: what is wanted to text, without touching anything."""
