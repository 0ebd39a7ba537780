"""Documents: what each build is sent, and where each field stands."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import golden_texts
import hcs_cases
import pytest

from wincnode.hcs import documents, lifecycles
from wincnode.hcs.documents.containers import process_container
from wincnode.hcs.documents.fields import BUILDS, FIRST_BUILD, known, to_document
from wincnode.hcs.documents.machines import linux_machine
from wincnode.hcs.documents.requests import SHARES_PATH
from wincnode.hcs.program import Program, to_json
from wincnode.hcs.references import Layers, encode, ref

NEWEST = max(BUILDS.values())


def types() -> Iterator[type]:
    """Give every type of a document."""
    for module in pkgutil.iter_modules(documents.__path__):
        found = importlib.import_module(f"{documents.__name__}.{module.name}")
        for value in vars(found).values():
            own = isinstance(value, type) and value.__module__ == found.__name__
            if own and dataclasses.is_dataclass(value):
                yield value


TYPES = tuple(types())
FIELDS = tuple((one, row) for one in TYPES for row in dataclasses.fields(one))


@pytest.mark.parametrize("name", hcs_cases.texts())
def test_documents_are_the_golden_ones(name: str) -> None:
    """`python tests/hcs_cases.py` writes them anew."""
    written = (hcs_cases.GOLDEN / name).read_text(encoding="utf-8")

    assert hcs_cases.texts()[name] + "\n" == written


@pytest.mark.parametrize("build", golden_texts.BUILDS)
def test_the_ladder_sends_the_golden_documents(build: int) -> None:
    """What stands in the programs is what was held against the reference, and no other document."""
    image: Any = {"runtime": "containerd", "image": "a/b:c"}
    kernel, rootfs = "C:\\lcow\\kernel", "C:\\lcow\\"
    programs = {
        "process": [lifecycles.process_isolated(build, **image)],
        "hyperv-v1": [lifecycles.hyperv_isolated(build, **image)],
        "hyperv-v2": [lifecycles.hosted(build, **image)],
        "no-image": [lifecycles.machine(build)],
        "lcow": [
            lifecycles.linux(build, kernel=kernel, rootfs=rootfs + name)
            for name in ("initrd.img", "rootfs.vhd")
        ],
    }

    for name, rows in programs.items():
        golden = [encode(to_document(row, build)) for row in hcs_cases.values(build)[name]]
        wrote = [document for row in rows for document in sent(row)]
        # The process is the same in each container, and stands in two of the golden files.
        version = [row for row in wrote if "CommandLine" in row and name == "hyperv-v1"]
        assert [blank(row) for row in wrote if row not in version] == list(map(blank, golden))


def sent(program: Program) -> list[Any]:
    """Give the documents that a program sends, but for questions."""
    names = ("document", "request", "parameters")
    calls = to_json(program)["calls"]
    return [row["args"][name] for row in calls for name in names if name in row["args"]]


def blank(value: Any) -> Any:
    """Leave out what the node puts in: shares' names and folders, and the layers in the guest."""
    if isinstance(value, list):
        return [blank(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("ResourcePath") == SHARES_PATH:
        return {**value, "Settings": {**value["Settings"], "Name": "", "Path": ""}}
    guest = value.get("Layers") == {"$ref": "shares.layers"} or isinstance(
        value.get("Layers"), list
    )
    return {key: "" if guest and key == "Layers" else blank(item) for key, item in value.items()}


def test_every_field_has_a_name_a_first_build_and_a_source() -> None:
    assert len(FIELDS) > 150
    for one, row in FIELDS:
        assert row.metadata["name"][0].isupper(), one
        assert row.metadata["build"] >= FIRST_BUILD
        assert row.default is None
        full = one(**{row.name: True})
        assert all(source.count("/") > 1 for _, _, source in known(full))


@pytest.mark.parametrize("build", [17763, 18362, 19041, 20348, 22000, 26100])
def test_fields_unknown_to_a_build_are_never_sent_to_it(build: int) -> None:
    """Each field of each type, by itself: on the build before its first one it is left out."""
    for one, row in FIELDS:
        sent = to_document(one(**{row.name: True}), build)

        assert sent == ({row.metadata["name"]: True} if row.metadata["build"] <= build else {})


def test_there_are_fields_that_server_2019_and_2022_do_not_know() -> None:
    """Else the test above would prove nothing."""
    newer = {row.metadata["build"] for _, row in FIELDS}

    assert newer >= {17763, 18286, 18362, 19041, 20348, 22000}


def test_what_is_inside_an_unknown_field_is_left_out_with_it() -> None:
    document = linux_machine(kernel="C:\\k", rootfs="C:\\i", build=NEWEST)

    assert "LinuxKernelDirect" in to_document(document, NEWEST)["VirtualMachine"]["Chipset"]
    assert to_document(document, 17763)["VirtualMachine"]["Chipset"] == {}


def test_the_stamp_is_the_same_on_every_build() -> None:
    """Schema 2.1 is what each server takes; a newer one would be refused by the older."""
    for build in golden_texts.BUILDS:
        for documents_ in hcs_cases.values(build).values():
            whole: Any = to_document(documents_[0], build)
            stamp = whole.get("SchemaVersion")
            assert stamp in (None, {"Major": 2, "Minor": 1})
            assert (stamp is None) == (whole.get("SystemType") == "Container")
            assert whole["Owner"] == "wincnode"


def test_references_stay_in_a_document() -> None:
    layers = Layers(of=ref("image.parents"))
    document = to_document(process_container(layers=layers, volume=ref("mount.volume")), 20348)

    assert document["Container"]["Storage"] == {"Layers": layers, "Path": ref("mount.volume")}
