"""Secrets on the node: no cmdlet gets one, and no error shows one."""

from __future__ import annotations

import base64
import json
from typing import Any

import winps
from winps import messages, of, step

OTHER = "f" * 32


def hidden(name: str) -> dict[str, Any]:
    return {"state": "present", name: {"$secret": "token"}}


STEPS = [
    step("file", {"path": "C:\\t"}, hidden("content"), name="file"),
    step("environment", {"name": "T"}, hidden("value"), name="environment"),
    step("directory", {"path": "C:\\k"}, {"state": "present"}, name="directory"),
    # Not a type; the error of .NET quotes it.
    step(
        "registry_value",
        {"path": "HKLM:\\SOFTWARE\\w", "name": "a"},
        {"value": ["1"], **hidden("type")},
    ),
]


def forms(secret: str) -> tuple[str, ...]:
    """Give a secret as text and as base64 of either encoding."""
    codes = (base64.b64encode(secret.encode(code)).decode() for code in ("utf-8", "utf-16-le"))
    return secret, *codes


def test_no_cmdlet_gets_a_secret(node: winps.Machine) -> None:
    """Module logging records what cmdlets get; it never meets a secret, wanted or found there."""
    secrets = ("planted-Secret-1", "planted-Secret-2")
    runs = zip(("detached", "attached"), (winps.RUN, OTHER), secrets, strict=True)
    for verb, run, secret in runs:
        bound, events = node.bindings(
            verb, run=run, mode="apply", steps=STEPS, secrets={"token": secret}
        )
        ended = of(events, "step_finished")
        assert [event["outcome"] for event in ended] == [
            "changed",
            "changed",
            "changed" if verb == "detached" else "ok",
            "failed",
        ]
        assert "***" in ended[-1]["error"]["message"]
        assert "ConvertFrom-Json" in {name for name, _ in bound}, "nothing was traced"
        shown = [f"{name}: {line}" for name, line in bound] + [json.dumps(events)]
        assert [row for row in shown for one in secrets for form in forms(one) if form in row] == []
    assert (node.drive / "t").read_text() == secrets[1]


QUOTING = """
function Get-WnProbe { param($Key, $Want)
    $code = { param($Encoding) [Convert]::ToBase64String($Encoding.GetBytes($Want['state'])) }
    $last = $Want['state'].Split([char]10)[1].Trim()
    throw "a $($Want['state']) b $(& $code ([Text.Encoding]::UTF8)) c $(& $code ([Text.Encoding]::Unicode)) d $last"
}
"""


def test_an_error_shows_no_form_of_a_secret(node: winps.Machine) -> None:
    """Text, a line of it, and base64 of either encoding are starred; a longer secret wins."""
    secrets = {"token": "planted-1\n  planted-line", "short": "planted"}
    run = winps.probe(QUOTING) | {"steps": [step("probe", {}, hidden("state"))]}
    assert messages(node.run(**run, secrets=secrets)) == ["a *** b *** c *** d ***"]
