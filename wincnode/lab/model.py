"""The runner protocol executed in Python on a profile of Windows: the `model` engine.

It serves demos on machines without a PowerShell and fleets of many nodes. It is a model: what
the shipped scripts really do is proven where a real PowerShell runs them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from wincnode.lab.engine import Process
from wincnode.lab.process import FunctionProcess

PROFILES = Path(__file__).parent / "profiles"
END_MARK = b"wincnode-end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One kind of Windows machine: its build, and what each section of facts would answer."""

    name: str
    build: int
    facts: Mapping[str, Mapping[str, Any]]
    expects: tuple[str, ...] = ()


def profile_names() -> tuple[str, ...]:
    """List the profiles that the lab ships."""
    return tuple(sorted(path.stem for path in PROFILES.glob("*.yaml")))


def load_profile(name: str) -> Profile:
    """Read a shipped profile by its name."""
    raw = yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"))
    return Profile(
        name=name, build=raw["build"], facts=raw["facts"], expects=tuple(raw.get("expects", ()))
    )


class ModelEngine:
    """Answers attached fact runs from a profile.

    Args: pace_s: seconds that each section of facts takes, so that progress can be seen.
    """

    def __init__(self, profile: Profile, *, computer: str, pace_s: float = 0.0) -> None:
        self._profile = profile
        self._computer = computer
        self._pace_s = pace_s

    def start(self, command: str, environment: Mapping[str, str]) -> Process:  # noqa: ARG002 - the seam's signature
        """Start a command line: `hostname`, or PowerShell with the bootstrap."""
        program = command.strip().strip('"').lower()
        if program == "hostname":
            return FunctionProcess(
                lambda _: iter([f"{self._computer}\r\n".encode()]), needs_stdin=False
            )
        return FunctionProcess(self._bootstrap, needs_stdin="-encodedcommand" in program)

    def _bootstrap(self, stdin: bytes) -> Iterator[bytes]:
        payload = unpack(stdin)
        run, plan = payload["run"], payload["plan"]
        seq = 0

        def event(kind: str, **fields: Any) -> bytes:
            nonlocal seq
            seq += 1
            at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            line = {"run": run, "seq": seq, "at": at, "type": kind, **fields}
            return json.dumps(line).encode("ascii") + b"\r\n"

        yield event("hello", **self._hello(payload["verb"]))
        pending = b""
        for row in plan["facts"]:
            time.sleep(self._pace_s)
            pending += event("facts", **self._section(row["section"]))
        yield pending + event("finished", outcome="ok", counts={})

    def _hello(self, verb: str) -> dict[str, Any]:
        return {
            "protocol": 1,
            "powershell": f"5.1.{self._profile.build}.1",
            "build": self._profile.build,
            "computer": self._computer,
            "machine_id": hashlib.sha256(self._computer.encode()).hexdigest()[:32],
            "user": f"{self._computer}\\Administrator",
            "elevated": True,
            "language_mode": "FullLanguage",
            "mode": verb,
            "pid": 4242,
            "boot": "2026-11-01T00:00:00.000Z",
        }

    def _section(self, section: str) -> dict[str, Any]:
        data = self._profile.facts.get(section)
        if data is None:
            error = f"the profile {self._profile.name} has no section {section}"
            return {"section": section, "status": "unknown", "error": error, "elapsed_ms": 0}
        return {"section": section, "status": "ok", "data": data, "elapsed_ms": 1}


def unpack(stdin: bytes) -> dict[str, Any]:
    """Undo the framing of a request, as the bootstrap does.

    Raises: ValueError: the request is cut short or altered.
    """
    header_line, _, rest = stdin.partition(b"\n")
    body, _, mark = rest.partition(b"\n")
    header = json.loads(header_line)
    if mark.strip() != END_MARK or hashlib.sha256(body).hexdigest() != header["sha256"]:
        raise ValueError("the request is cut short or altered")
    payload: dict[str, Any] = json.loads(body)
    return payload
