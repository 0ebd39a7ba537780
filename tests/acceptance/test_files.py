"""`install --files`: what a user sees where the origin of a file does not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import site

KUBELET = "kubelet.exe"


def test_a_spoilt_origin_is_told_and_auto_goes_round_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked of this host before; what each node has already is left alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with site(tmp_path, profiles={"web-1": "ws2022", "web-2": "ws2025"}) as lab:
        assert lab.run("lock --allow-unverified --download").code == 0
        origin = lab.cluster.origin
        (path,) = {row for row in origin.asked if row.endswith(KUBELET)}
        origin.replaced[path] = b"somebody else's"
        origin.asked.clear()

        refused = lab.run("install web-1")
        asked = len(origin.asked)
        done = lab.run("install web-1 web-2 --files auto")

        error = refused.of("web-1")["error"]
        assert (refused.code, error["id"]) == (1, "artifact.not-had")
        assert "--files auto" in error["remedy"]
        assert done.code == 0, done.stderr
        for name in ("web-1", "web-2"):
            (note,) = done.of(name)["notes"]
            assert KUBELET in note and "this host served the files from then on" in note
            steps = done.of(name)["steps"]
            assert {step["outcome"] for step in steps} <= {"ok", "changed"}
        # What the first node had by then, the second one alone has asked for since.
        had = {row for row in origin.asked[:asked] if row != path}
        assert had
        assert {row: origin.asked[asked:].count(row) for row in had} == dict.fromkeys(had, 1)
