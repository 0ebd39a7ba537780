"""A task of the Task Scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import MOST_PATH, Field, Kind, Problem, Value, presence

# What XML holds as it is: w3.org/TR/xml, 2.2 and 2.11
_LINE = r"(?!\s)[^\x00-\x1f\ufffe\uffff]"


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A task that is to be there has a command, and a time of the day where it is daily."""
    if values.get("state") != "present":
        return
    if "command" not in values:
        yield "command", "missing; it takes text where state is present"
    if values.get("trigger") == "daily" and not values.get("at"):
        yield "at", "missing; it takes a time such as 03:30 where trigger is daily"
    if values.get("trigger") == "startup" and values.get("at"):
        yield "at", "given beside trigger startup; only daily takes a time"


# Source of the names: learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
KIND = Kind(
    name="scheduled_task",
    doc="A task that starts a program when the machine starts, or each day.",
    rule=_rule,
    example=(
        r"{name: \wincnode\rotate-logs, command: powershell.exe,"
        r" arguments: -NoProfile -File C:\k\rotate.ps1, trigger: daily, at: '03:30'}"
    ),
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            # A name neither begins nor ends with a space, and no folder is `.` or `..`:
            # learn.microsoft.com/windows/win32/api/taskschd/nf-taskschd-itaskfolder-registertask
            # It is a file below C:\Windows\System32\Tasks. The cmdlets may take [ ] and ` for
            # those of a pattern, as others made of CDXML do.
            pattern=(
                rf"(?!.{{{MOST_PATH + 1}}})"
                r"(\\(?![ .])[^\\/:*?\"<>|\[\]`\x00-\x1f]{1,200}(?<! ))+"
            ),
            form=(
                r"a name with its folder, such as \wincnode\rotate-logs, of at most"
                f" {MOST_PATH} characters without [ ] and `"
            ),
            doc="Name of the task with its folder.",
        ),
        presence("Whether there is to be such a task; one that is disabled is not."),
        Field(
            name="command",
            type="text",
            role="want",
            # learn.microsoft.com/windows/win32/taskschd/taskschedulerschema-pathtype-simpletype
            pattern=rf"{_LINE}{{1,259}}(?<!\s)",
            form="at most 259 characters on one line, without spaces around them",
            doc="Program that it starts.",
        ),
        Field(
            name="arguments",
            type="text",
            role="want",
            default="",
            # With the command it is a command line of at most 32,766 characters.
            pattern=rf"|{_LINE}{{1,32000}}(?<!\s)",
            form="at most 32000 characters on one line, without spaces around them",
            doc="Arguments of the program; everybody on the node may read them.",
        ),
        Field(
            name="trigger",
            type="text",
            role="want",
            default="startup",
            allowed=("startup", "daily"),
            doc="When it starts: with the machine, or each day.",
        ),
        Field(
            name="at",
            type="text",
            role="want",
            default="",
            pattern=r"|([01][0-9]|2[0-3]):[0-5][0-9]",
            form="a time such as 03:30",
            doc="Time of the day at which a daily task starts, by the machine's own clock.",
        ),
        Field(
            name="repeat_minutes",
            type="number",
            role="want",
            default=0,
            # Less than 31 days: learn.microsoft.com/windows/win32/taskschd/
            # taskschedulerschema-interval-repetitiontype-element
            maximum=31 * 24 * 60 - 1,
            doc="Minutes after which it starts again, and so on; 0 for once.",
        ),
        Field(
            name="account",
            type="text",
            role="want",
            default="SYSTEM",
            allowed=("SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE"),
            doc="Account that it runs as.",
        ),
    ),
)
