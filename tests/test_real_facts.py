"""Saved facts of real Windows hosts are replayed, where there are any; the replay itself is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import real_facts
from facts_documents import document
from test_checks import profile_facts

from wincnode.facts import FURTHER, SECTIONS

FOUND = real_facts.documents()


@pytest.mark.skipif(not FOUND, reason="no document of a real host is in tests/real yet")
@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_real_host_says_what_checks_read(path: Path) -> None:
    """Every section is there, no check stumbles, and each says what it said before."""
    assert list(real_facts.complaints(path)) == []


def written(folder: Path, **changes: Any) -> Path:
    """Write facts of the lab's Server 2022 as `wincnode facts` writes them."""
    sections = {name: profile_facts("ws2022")[name] for name in (*SECTIONS, *FURTHER)}
    node = {"computer": "A", "skew_s": 0.1, "sections": {**sections, **changes}, "unknown": {}}
    path = folder / "host.json"
    path.write_bytes(document(a=node))
    return path


def test_a_replay_tells_what_a_host_did_not_say(tmp_path: Path) -> None:
    """A fact of another type, and a section that is empty."""
    assert list(real_facts.complaints(written(tmp_path))) == []
    hardware = {**profile_facts("ws2022")["hardware"], "memory_bytes": "8 GB"}
    found = list(real_facts.complaints(written(tmp_path, hardware=hardware, proxy={})))
    assert "a: sys.mem: hardware.memory_bytes is not a whole number" in found
    assert any(row.startswith("a: conn.proxy.winhttp: proxy.winhttp is missing") for row in found)


def test_a_replay_tells_what_is_judged_otherwise_than_before(tmp_path: Path) -> None:
    """Findings are kept beside their document."""
    path = written(tmp_path)
    found = real_facts.judged(path)
    kept = tmp_path / "host.findings.json"
    kept.write_text(json.dumps(real_facts.told(found)))
    assert real_facts.documents(tmp_path) == [path]
    assert list(real_facts.complaints(path)) == []

    kept.write_text(json.dumps({"a": {"sys.mem": "fail: 2.0 GiB"}}))
    assert "says otherwise" in next(real_facts.complaints(path))
