"""`sc.exe` of a simulated machine: a program on its disk that asks the model."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from wincnode.lab.windows.sc import main
sys.exit(main(sys.argv[1:]))
"""


def main(words: list[str]) -> int:
    """Carry the command out on the machine that WINCNODE_LAB names.

    Returns: sc.exe's exit code, of which Linux keeps 8 bits; never 0 for a failure.
    """
    port, token = os.environ["WINCNODE_LAB"].split()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as link:
        request = {"token": token, "cmdlet": "sc.exe", "bound": {"words": words}}
        link.sendall(json.dumps(request).encode("ascii") + b"\n")
        reply = json.loads(link.makefile().readline())
    code: int = reply["rows"][0]
    return code and (code & 0xFF or 1)
