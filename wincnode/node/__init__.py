"""All that runs on Windows: scripts that travel as text, never as code built from data."""
