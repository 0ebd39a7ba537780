"""What a client sends to a node: one constant command line, and a framed request on its stdin."""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import os
import re
import secrets as random
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from wincnode import assets
from wincnode.errors import ConfigError

PROTOCOL = 1
END_MARK = "wincnode-end"
FACTS_FLUSH_S = (0, 5, 20)
APPLY_FLUSH_S = (0, 1, 2, 5, 12, 20)
# What JSON of .NET Framework is read as unless somebody allows more:
# learn.microsoft.com/dotnet/api/system.web.script.serialization.javascriptserializer.maxjsonlength
MOST_CHARACTERS = 2_097_152


@cache
def command_line(script: Literal["bootstrap", "receive"] = "bootstrap") -> str:
    """Give a command line that runs on a node: the bootstrap's, or the one that takes files.

    Both are constant for a release.
    Source for the full path and the switches: about_PowerShell_exe (PowerShell-Docs 5.1).
    """
    text = assets.node_script(script)
    encoded = base64.b64encode(text.encode("utf-16-le")).decode("ascii")
    return (
        r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoLogo -NoProfile"
        f" -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"
    )


def who(command: str) -> dict[str, Any]:
    """Say whose run it is, for the operator who finds the node locked."""
    return {
        "operator": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": command,
    }


def new_run() -> str:
    """Give a run's id: 32 hexadecimal digits."""
    return random.token_hex(16)


def pack(payload: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> bytes:
    """Frame a request for the bootstrap: header, payload, secrets, end mark, a line each.

    Secrets stand apart from the JSON, so that the node reads them without a cmdlet, whose
    arguments it may log. The header tells their length but no hash: a hash of a weak secret
    gives it away.

    Raises: ConfigError: the plan is too large, or a secret's name does not fit on the line.
    """
    body = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    if len(body) > MOST_CHARACTERS:
        raise ConfigError(
            f"the plan has {len(body)} characters with its scripts; a node takes {MOST_CHARACTERS}",
            remedy="Divide the playbook, or bring large files as downloads.",
            id="config.plan-size",
        )
    digest = hashlib.sha256(body.encode("ascii")).hexdigest()
    pairs = " ".join(_pair(name, text) for name, text in (secrets or {}).items())
    row = {"wincnode": PROTOCOL, "length": len(body), "sha256": digest, "secrets": len(pairs)}
    return f"{json.dumps(row)}\n{body}\n{pairs}\n{END_MARK}\n".encode("ascii")


def _pair(name: str, text: str) -> str:
    if not re.fullmatch(r"[!-<>-~]+", name):
        raise ConfigError(f"a secret is called {name!r}; its name takes no space, `=` or accent")
    return f"{name}={base64.b64encode(text.encode()).decode('ascii')}"


def payload_of(
    verb: str,
    *,
    run: str,
    plan: Mapping[str, Any],
    since: int = 0,
) -> dict[str, Any]:
    """Put together what the launcher needs for a verb: its scripts and nothing more."""
    names = ["runner"] if verb in {"attached", "detached"} else []
    if names and plan.get("steps"):
        names.append("steps")
    if verb != "attached" or plan.get("mode") == "apply":
        names.append("runs")
    if verb == "detached":
        names.append("worker")
    if verb == "reboot":
        names.append("reboot")
    if verb == "confirm":
        names.append("guard")
    if verb in {"attached", "detached"} and plan.get("guard"):
        names += ["adapters", "guard", "restore", "takeover"]
    names += [f"facts/{row['section']}" for row in plan.get("facts", ())]
    used = sorted({step["kind"] for step in plan.get("steps", ())})
    names += [f"kinds/{kind}" for kind in used]
    # What a kind's script loads besides goes along with it alone.
    rows = plan.get("kinds", {})
    names += sorted({name for kind in used for name in rows.get(kind, {}).get("brings", ())})
    return {
        "verb": verb,
        "run": run,
        "since": since,
        "flush_s": APPLY_FLUSH_S if plan.get("steps") else FACTS_FLUSH_S,
        "launcher": _script("launcher"),
        "scripts": {name: _script(name) for name in names},
        "plan": plan,
    }


@cache
def _script(name: str) -> Mapping[str, str]:
    text = assets.node_script(name)
    return {"sha256": assets.sha256(text), "text": text}
