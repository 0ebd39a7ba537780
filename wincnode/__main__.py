"""Where the process begins and ends: every error becomes one line and an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `wincnode`; `--version` is answered before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        from wincnode import __version__

        sys.stdout.write(f"wincnode {__version__}\n")
        return
    from wincnode.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
