"""A model of one Windows machine: its state, and what Windows' own cmdlets answer and change."""
