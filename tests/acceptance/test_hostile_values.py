"""Values that quoting, encoding or cutting could spoil arrive on a node as they are, in each field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import files_server
from client import APPLY, desk, journals, outcomes
from conformance.programs import CONF, PEM, joined
from hostile import Row, playbook_of
from hostile_fields import JOINS, ROWS
from hostile_places import ARCHIVE, BODY, HOME, SERVER, program
from nodes import base, lab_node

from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.node.kinds import all_kinds
from wincnode.rendering import to_yaml
from wincnode.secrets import MASK

# The longest last: each step reads the whole registry, into which they go.
WHOLE = sorted(
    (row.whole(f"r{number}") for number, row in enumerate(ROWS) if row.there),
    key=lambda case: len(case.value),
)
# A machine that has been in a cluster is none that should join another.
IGNORED = ("--ignore", "sw.kubelet", "--ignore", "left.kubeconfig")
BOOTSTRAP = r"C:\etc\kubernetes\bootstrap-kubelet.conf"
CA = r"C:\etc\kubernetes\pki\ca.crt"


class Anything(dict[str, bytes]):
    """One content, whatever is asked for."""

    def __contains__(self, _path: object) -> bool:
        return True

    def get(self, *_: object) -> bytes:  # type: ignore[override]  # it is never missing
        return BODY

    def __getitem__(self, _path: str) -> bytes:
        return BODY


def test_every_value_arrives_in_every_field_that_takes_it(tmp_path: Path) -> None:
    """The machine holds the same characters, and a second run changes nothing."""
    with lab_node(tmp_path / "node") as node, files_server.serving() as files:
        files.contents = Anything()
        node.machine.path(HOME).mkdir()
        node.machine.path(HOME + r"\archive.zip").write_bytes(ARCHIVE)
        for case in WHOLE:
            case.make_ready(node.machine)
        here = desk(tmp_path, node, playbook_of(WHOLE, files.base))
        first = here.apply()
        arrived = {f"{case.row.field} {case.at}": case.arrived(node.machine) for case in WHOLE}
        second = here.apply()

    assert arrived == {f"{case.row.field} {case.at}": case.value for case in WHOLE}
    assert outcomes(first) == [case.row.outcome for case in WHOLE]
    assert outcomes(second) == ["ok"] * len(WHOLE)
    asked = {path.removeprefix("/") for path, _ in files.seen}
    served = [case.value for case in WHOLE if "{{ served }}/-" in case.step]
    assert len(served) == 2
    assert set(served) <= asked


def secret_fields() -> set[str]:
    """Name the fields that may hold a secret."""
    kinds = all_kinds().values()
    return {f"{kind.name}.{row.name}" for kind in kinds for row in kind.fields if row.secret}


def hidden(row: Row, at: str) -> tuple[str, str]:
    """Give a row's step with a secret in the field, as a playbook's line, and the secret."""
    case = row.whole(at)
    fields = row.step(case.value, at)
    name = row.field.partition(".")[2]
    text = fields[name][0] if isinstance(fields[name], list) else fields[name]
    fields[name] = {"secret": {"env": at.upper()}}
    return f"  - {{name: {at}, {row.kind}: {to_yaml(fields)}}}", text


def pieces() -> list[str]:
    """Give what no output may hold of a secret, as it is and as JSON writes it."""
    whole = ROWS[0].case("typographic", "").value, ROWS[0].case("expression", "").value
    return [*whole, json.dumps(whole[0])[1:-1], ROWS[0].case("long", "").value[:80]]


def outputs(node: LabNode, *said: str) -> str:
    """Give all that was said here, and what the node has written of its runs."""
    manifest = (base(node) / "manifest.json").read_text()
    return "".join([*said, json.dumps(journals(node)), manifest])


def test_secrets_arrive_as_they_are_and_no_output_shows_them(tmp_path: Path) -> None:
    """Quotes, line ends and 32 KB are no way around the stars."""
    rows = [row for row in ROWS if row.field in secret_fields()]
    made = {f"s{number}": hidden(row, f"s{number}") for number, row in enumerate(rows)}
    steps = "\n".join(["name: secrets", "steps:", *(line for line, _ in made.values())])
    given = {at.upper(): text for at, (_, text) in made.items()}
    with lab_node(tmp_path / "node") as node:
        cases = [row.whole(at) for row, at in zip(rows, made, strict=True)]
        for case in cases:
            case.make_ready(node.machine)
        here = desk(tmp_path, node, steps + "\n")
        shown = here.run("apply", "playbook.yaml", "--plan", **given)
        first = here.run("apply", "playbook.yaml", "-o", "json", **given)
        second = here.run("apply", "playbook.yaml", "-o", "json", **given)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        arrived = [case.arrived(node.machine) for case in cases]
        runs = (shown, first, second)
        said = outputs(node, *(text for run in runs for text in (run.stdout, run.stderr)))

    assert arrived == [case.value for case in cases]
    assert [outcomes(json.loads(run.stdout)["nodes"][0]) for run in (first, second)] == [
        ["changed"] * len(cases),
        ["ok"] * len(cases),
    ]
    assert MASK in said
    assert [piece for piece in pieces() if piece in said] == []


def joins(machine: Machine, seen: list[str]) -> None:
    """Put programs in that note what they find on the disk: kubeadm fails once, saying all of it."""

    def kubeadm(of: Machine, _version: str, words: Sequence[str]) -> Ended:
        seen.append(of.path(words[2]).read_bytes().decode())
        if len(seen) == 1:
            return Ended(code=1, stderr=seen[0])
        joined(of)
        return Ended()

    def kubelet(_: object) -> None:
        seen.extend(machine.path(path).read_bytes().decode() for path in (BOOTSTRAP, CA))
        joined(machine)

    program(machine, "kubeadm", r"C:\k\kubeadm.exe", kubeadm)
    machine.services.load({"kubelet": {"State": "Stopped", "PathName": "k"}})
    machine.services.on_change.append(kubelet)
    machine.path(r"C:\etc\kubernetes\pki").mkdir(parents=True)


def test_a_join_gets_its_texts_as_they_are(tmp_path: Path) -> None:
    """What kubeadm and the kubelet read is what was given, and an error shows no line of it."""
    configuration, kubeconfig, ca = (row.whole("j").value for row in JOINS)
    secret = {"secret": {"env": "GIVEN"}}
    by_kubeadm = {"server": SERVER, "configuration": secret}
    by_kubelet = {"server": SERVER, "kubeconfig": secret, "ca": ca}
    seen: list[str] = []
    with lab_node(tmp_path / "node") as node:
        joins(node.machine, seen)
        here = desk(tmp_path, node, join_of("kubeadm_join", by_kubeadm))
        failed = here.run(*APPLY, *IGNORED, GIVEN=configuration)
        assert outcomes(here.apply(*IGNORED, GIVEN=configuration)) == ["changed"]
        for path in (CONF, PEM):
            node.machine.path(path).unlink()
        here.playbook(join_of("kubelet_bootstrap", by_kubelet))
        assert outcomes(here.apply(*IGNORED, GIVEN=kubeconfig)) == ["changed"]
        said = outputs(node, failed.stdout, failed.stderr)

    assert seen == [configuration, configuration, kubeconfig, ca]
    assert failed.returncode == 1
    assert "kubeadm ended with 1: ***" in failed.stdout
    without = [piece for piece in pieces() if piece in said]
    assert without == []


def join_of(kind: str, fields: dict[str, object]) -> str:
    return f"name: join\nsteps:\n  - {{name: j, {kind}: {to_yaml(fields)}}}\n"


def test_large_texts_have_limits_that_are_told(tmp_path: Path) -> None:
    """A file of 600 KB arrives; a plan that PowerShell cannot read is refused by its size."""
    step = "  - file: {{path: 'C:\\{0}', content: \"{{{{ '\u2028' * {1} }}}}\"}}\n"
    with lab_node(tmp_path / "node") as node:
        here = desk(tmp_path, node, "name: large\nsteps:\n" + step.format("a", 200_000))
        node.machine.path(r"C:\a").write_text("\u2028" * 150_000, encoding="utf-8")
        done = outcomes(here.apply())
        size = node.machine.path(r"C:\a").stat().st_size
        here.playbook("name: large\nsteps:\n" + step.format("b", 400_000))
        refused = here.run(*APPLY)

    assert (done, size) == (["changed"], 600_000)
    assert refused.returncode == 2, refused.stderr
    assert "characters with its scripts; a node takes 2097152" in refused.stdout
    assert not node.machine.path(r"C:\b").exists()
