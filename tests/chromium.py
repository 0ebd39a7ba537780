"""A Chromium that tests drive over its pipe; where there is none, they are skipped with the reason.

Source: chromedevtools.github.io/devtools-protocol (messages end with a NUL byte on a pipe), and
chromium's headless `--remote-debugging-pipe`, which reads descriptor 3 and writes descriptor 4.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No process of its own for the graphics, and no sandbox: tests run as root in containers.
SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--no-first-run", "--no-default-browser-check", "--hide-scrollbars", "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 60


def program() -> str:
    """Give the browser's program, or skip the test."""
    named = os.environ.get("WINCNODE_CHROMIUM", "")
    found = named or next(filter(None, map(shutil.which, NAMES)), "")
    if not found:
        if os.environ.get("WINCNODE_REQUIRE_CHROMIUM"):
            pytest.fail("no Chromium, which WINCNODE_REQUIRE_CHROMIUM asks for")
        pytest.skip("no Chromium here; WINCNODE_CHROMIUM names one")
    return found


def axe() -> str:
    """Give the source of axe-core, or skip the test."""
    named = os.environ.get("WINCNODE_AXE", "")
    if not named:
        pytest.skip("no axe-core here; WINCNODE_AXE names its axe.min.js")
    return Path(named).read_text(encoding="utf-8")


class Tab:
    """One page of a browser."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._ids = itertools.count(1)
        self._rest = b""
        self._session = ""
        self.events: list[Mapping[str, Any]] = []

    def attach(self) -> None:
        """Open an empty page, and speak to it from now on."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method, and give its result; what comes meanwhile is kept as events."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> Mapping[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], deadline - time.monotonic())
            data = os.read(self._back, 1 << 20) if ready else b""
            assert data, "the browser has gone, or does not answer"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        found: Mapping[str, Any] = json.loads(line)
        return found

    def open(self, url: str) -> None:
        """Load a page to its end."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(row.get("method") == "Page.loadEventFired" for row in self.events):
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """Give the value of an expression in the page; a promise is waited for."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def look(self, *, dark: bool = False, width: int = 1280, media: str = "") -> None:
        """Choose a scheme of colours, a width in pixels, and a medium such as print."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what is seen to a PNG file."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[str]:
        """List what the browser complains of, and what it asked the network for."""
        found = []
        for row in self.events:
            parameters = row.get("params", {})
            match row.get("method"):
                case "Log.entryAdded":
                    found.append(parameters["entry"]["text"])
                case "Runtime.exceptionThrown":
                    found.append(str(parameters["exceptionDetails"]))
                case "Network.requestWillBeSent":
                    url = parameters["request"]["url"]
                    found += [] if url.startswith("file:") else [f"asked for {url}"]
        return found


def _pipe() -> tuple[int, int]:
    """Give a pipe whose ends are none of the descriptors that the browser's will have."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]


@contextmanager
def tab() -> Iterator[Tab]:
    """Start a browser with one page; it is ended with all its processes."""
    browser = program()
    with tempfile.TemporaryDirectory(prefix="wincnode-chromium-") as profile:
        read_there, to = _pipe()
        back, write_there = _pipe()
        # The shell moves the pipes to where the browser looks for them.
        child = subprocess.Popen(
            ["/bin/bash", "-c", f'exec 3<&{read_there} 4>&{write_there}; exec "$0" "$@"',
             browser, f"--user-data-dir={profile}", *SWITCHES, "about:blank"],
            pass_fds=(read_there, write_there),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_there)
        os.close(write_there)
        try:
            found = Tab(to, back)
            found.attach()
            yield found
            found._session = ""
            found.call("Browser.close")
            child.wait(timeout=10)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            os.close(to)
            os.close(back)
