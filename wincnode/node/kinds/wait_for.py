"""A wait until something holds on the node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from wincnode.addresses import HOST_PORT, URL
from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value, presence
from wincnode.node.kinds.service import SERVICE, SERVICE_FORM

# A name has any character but a backslash, and 256 with what stands before it
# (learn.microsoft.com/windows/win32/ipc/pipe-names).
PIPE = r"(\\\\\.\\pipe\\|//\./pipe/)?[^\\/\x00-\x1f]{1,247}"
LAST_PORT = 65535


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A name is a service's, a pipe's, a full path, a port from 1 to 65535, or an http URL."""
    name = str(values.get("name", ""))
    match values.get("subject"):
        case "service" if not re.fullmatch(SERVICE, name):
            yield "name", _no(name, f"the name of a service, {SERVICE_FORM}")
        case "file" | "cri" if not re.fullmatch(PATH, name):
            yield "name", _no(name, PATH_FORM)
        case "port" if not _is_port(name):
            yield "name", _no(name, f"a port from 1 to {LAST_PORT}")
        case "pipe" if not re.fullmatch(PIPE, name):
            yield "name", _no(name, r"a pipe such as containerd-containerd or \\.\pipe\x")
        case "http" if not _is_url(name):
            yield "name", _no(name, "a URL such as http://127.0.0.1:10248/healthz")


def _no(name: str, form: str) -> str:
    return f"is {name!r:.80}; it takes {form}"


def _is_port(text: str) -> bool:
    return bool(re.fullmatch("[1-9][0-9]{0,4}", text)) and int(text) <= LAST_PORT


def _is_url(text: str) -> bool:
    """Tell whether it is an http URL without a password in it."""
    try:
        port = urlsplit(text).port
    except ValueError:
        return False
    return bool(re.fullmatch(rf"{URL}|https?://{HOST_PORT}", text)) and port != 0


KIND = Kind(
    name="wait_for",
    doc="Changes nothing: waits until a service runs, a file exists or something answers.",
    timeout_s=300,
    rule=_rule,
    example="{subject: pipe, name: containerd-containerd}",
    fields=(
        Field(
            name="subject",
            type="text",
            role="key",
            required=True,
            allowed=("service", "file", "port", "pipe", "http", "cri"),
            doc="What is waited for.",
        ),
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            doc=(
                "Name of the service or pipe, path of the file, number of a local TCP port,"
                " an http or https URL on any host, or path of crictl.exe."
            ),
        ),
        presence(
            "A service is present while it runs, a port while something listens, a container"
            " runtime (cri) while crictl, with the settings beside it, calls it ready, and http"
            " while the URL answers below status 400 within 5 s, without a proxy and without"
            " following a redirect; an https certificate must be one that the machine trusts."
        ),
    ),
)
