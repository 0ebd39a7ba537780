"""A Windows service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import (
    MOST_LINE,
    MOST_VARIABLE,
    PATH,
    PATH_FORM,
    Field,
    Kind,
    Problem,
    Value,
)

# CreateService: at most 256 characters, no slash and no backslash; a key of the registry has 255.
# sc.exe would get a double quote as another text: Windows PowerShell does not escape it
# (learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_parsing).
SERVICE = r"[^/\\\"\x00-\x1f]{1,255}"
SERVICE_FORM = "a name of at most 255 characters without slashes and double quotes"


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """What is disabled cannot be started."""
    if values.get("state") == "running" and values.get("start") == "disabled":
        yield "start", "is disabled; it takes one of auto, manual where state is running"


# Source of the start modes: learn.microsoft.com/windows/win32/cimwin32prov/win32-service
KIND = Kind(
    name="service",
    doc=(
        "A Windows service: that it exists, how it starts, and whether it runs. One that runs is"
        " restarted where it runs with another command, account, environment or file than wanted,"
        " and so are those that depend on it."
    ),
    rule=_rule,
    example=r"{name: kubelet, start: auto, command: 'C:\k\kubelet.exe --windows-service'}",
    timeout_s=180,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=SERVICE,
            form=SERVICE_FORM,
            doc="Name of the service.",
        ),
        Field(
            name="state",
            type="text",
            role="want",
            default="running",
            allowed=("running", "stopped", "absent"),
            doc="Whether it runs, stands, or is removed.",
        ),
        Field(
            name="start",
            type="text",
            role="want",
            allowed=("auto", "manual", "disabled"),
            doc="How it starts.",
        ),
        Field(
            name="command",
            type="text",
            role="want",
            pattern=rf"[^\x00-\x1f]{{1,{MOST_LINE}}}",
            form=f"at most {MOST_LINE} characters on one line",
            doc="Command line; a service that is missing is made with it.",
        ),
        Field(
            name="display_name",
            type="text",
            role="want",
            # lpDisplayName, learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
            pattern=r"[^\x00-\x1f]{1,256}",
            form="at most 256 characters on one line",
            doc="Name shown to people.",
        ),
        Field(
            name="account",
            type="text",
            role="want",
            compare="text",
            allowed=("LocalSystem", "NT AUTHORITY\\LocalService", "NT AUTHORITY\\NetworkService"),
            doc="Account that it runs as.",
        ),
        Field(
            name="depends_on",
            type="texts",
            role="want",
            compare="set",
            pattern=SERVICE,
            form=f"a list of texts, each {SERVICE_FORM}",
            doc="Services that must run before it.",
        ),
        Field(
            name="environment",
            type="texts",
            role="want",
            pattern=rf"(?!(?s:.{{{MOST_VARIABLE + 1}}}))[^=\x00-\x1f]+=[^\x00]*",
            form=f"a list of NAME=VALUE, each of at most {MOST_VARIABLE} characters",
            secret=True,
            doc="Variables of this service alone, such as a proxy; all that it has.",
        ),
        Field(
            name="restart_when_newer",
            type="texts",
            role="want",
            compare="set",
            pattern=PATH,
            form=f"a list of texts, each {PATH_FORM}",
            doc="Files that it reads: it is restarted where one is newer than its process.",
        ),
        Field(
            name="restart_after_s",
            type="number",
            role="want",
            maximum=3600,
            doc="Seconds after which it is started again when it failed; 0 leaves it down.",
        ),
        Field(
            name="steady_s",
            type="number",
            role="want",
            compare="never",
            maximum=600,
            doc="Seconds that its process must have lived before it counts as running, so that one"
            " that ends soon after its start is noticed; 0 takes it as it is.",
        ),
    ),
)
