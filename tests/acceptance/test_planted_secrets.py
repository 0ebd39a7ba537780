"""Secrets of many forms are searched in all that a run says and leaves behind."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client import APPLY, desk, outcomes
from nodes import lab_node, linked
from spellings import spellings

from wincnode import runner
from wincnode.events import StepFinished
from wincnode.formats import FORMATS
from wincnode.lab.nodes import LabNode
from wincnode.plan import Plan, Step, to_wire

# Texts that quoting, encoding, expansion or cutting could spoil; the ninth contains the sixth.
SECRETS = {
    f"S{number}": text
    for number, text in enumerate(
        (
            "quote\"and'apostrophe`tick",
            "\u00fcn\u00efc\u00f6de-\u043f\u0430\u0440\u043e\u043b\u044c-\u5bc6\u7801",
            "%PATH%-%TEMP%-percent",
            "$env:USERNAME-$(whoami)-dollar",
            "C:\\back\\\\slash\\new",
            "U2VjcmV0LWxvb2tzLWxpa2U=",
            "spaces  in   the middle",
            "long-" + "x0Y9" * 49,
            "around-U2VjcmV0LWxvb2tzLWxpa2U=-inside",
            '{"json": "<&> in it"}',
            "line-one-planted\r\nline-two-planted",
            "<xml>&amp;-->]]>-planted",
        )
    )
}
FILES, VARIABLES = list(SECRETS)[6:], list(SECRETS)[:6]
KEY = r"HKLM:\SOFTWARE\planted"


def playbook() -> str:
    """Put each secret into a file or a variable."""
    rows = [f"file: {{path: 'C:\\in-{name}', content: {secret(name)}}}" for name in FILES]
    rows += [f"environment: {{name: IN_{name}, value: {secret(name)}}}" for name in VARIABLES]
    return "\n  - ".join(["name: secrets\nsteps:", *rows])


def secret(name: str) -> str:
    return f"{{secret: {{env: {name}}}}}"


def failing() -> Plan:
    """Put each into the registry; then .NET quotes one, as it is no number."""
    steps = [value(name, "String", name) for name in SECRETS]
    steps += [value("number", "DWord", "S0")]
    after = {"path": r"C:\after"}
    steps += [Step(id="after", kind="directory", title="", key=after, want={"state": "present"})]
    return Plan(node="web-1", steps=tuple(steps))


def value(name: str, type: str, secret: str) -> Step:
    return Step(
        id=name,
        kind="registry_value",
        title=name,
        key={"path": KEY, "name": name},
        want={"state": "present", "type": type, "value": [{"$secret": secret}]},
    )


def test_twelve_secrets_are_nowhere_but_where_they_were_wanted(tmp_path: Path) -> None:
    """No output, file, registry value or command line holds one, however the run ends."""
    with lab_node(tmp_path / "node") as node, command_lines() as started:
        here = desk(tmp_path, node, playbook())
        files = [word for name in FORMATS for word in ("-o", f"{name}=report.{name}")]
        looked = here.run("apply", "playbook.yaml", "--check", *files, **SECRETS)
        done = here.run(*APPLY, **SECRETS)
        run = runner.new_run()
        plan = to_wire(failing(), run=run, mode="apply", who=runner.who("test"))
        with linked(node) as link:
            events = list(runner.detached(link, run=run, plan=plan, secrets=SECRETS))

    assert looked.returncode == 0, looked.stderr
    assert outcomes(json.loads(done.stdout)["nodes"][0]) == ["changed"] * 12
    ends = [event for event in events if isinstance(event, StepFinished)]
    assert [event.outcome for event in ends] == [*["changed"] * 12, "failed", "skipped"]
    assert "***" in ends[12].error
    assert any("-EncodedCommand" in line for line in started)

    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {
        "wincnode": f"{looked.stdout}{looked.stderr}{done.stdout}{done.stderr}".encode(),
        "events": repr(events).encode(),
        "command lines": "\n".join(started).encode(),
        "the rest of the registry": json.dumps(rest_of_registry(node)).encode(),
        **files,
    }
    wanted = [*node.machine.drive.glob("in-*"), node.machine.folder / "registry.json"]
    found = {place: holding(data) for place, data in places.items()}
    there = {name for path in wanted for name in found.pop(str(path))}
    assert there == set(SECRETS), "the search does not find what is there"
    assert {place: names for place, names in found.items() if names} == {}


def rest_of_registry(node: LabNode) -> dict[str, dict[str, str]]:
    """Give the registry's data without the values that shall hold secrets."""
    return {
        key: {name: str(row.data) for name, row in rows.items() if not name.startswith("IN_")}
        for key, rows in node.machine.registry.snapshot().items()
        if not key.endswith("planted")
    }


def holding(data: bytes) -> list[str]:
    """List the secrets that stand in a text, in any encoding, or escaped once or twice."""
    texts = [data, unescaped(data), unescaped(unescaped(data))]
    return [
        name
        for name, text in SECRETS.items()
        if any(form in row for row in texts for form in spellings(text))
    ]


def unescaped(data: bytes) -> bytes:
    """Undo the backslashes of JSON and of Python's repr."""

    def meant(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else {"r": "\r", "n": "\n"}.get(code, code)

    text = data.decode("utf-8", "replace")
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", meant, text).encode("utf-8", "replace")


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Note the command lines of all processes while something runs."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
