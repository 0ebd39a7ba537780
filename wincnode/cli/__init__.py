"""From argv to options to a verb to an exit code; the only importer of typer."""

from wincnode.cli.start import run

__all__ = ["run"]
