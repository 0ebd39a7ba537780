"""A registry on loopback, and nothing of the machine that tests run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from registry_server import Registry, serving


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take neither a proxy nor credentials from the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve an index of two builds as app:1, and a single image as app:single."""
    with serving() as found:
        found.index("app", "1", "10.0.17763.5", "10.0.20348.7")
        found.image("app", "10.0.17763.9", tag="single")
        yield found
