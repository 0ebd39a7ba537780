"""Scheduled tasks by their definition in XML, which the Task Scheduler completes and gives back.

Source: learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from wincnode.lab.windows.machine import SYSTEM32, Task

SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
HEAD = '<?xml version="1.0" encoding="UTF-16"?>\n'
# What a definition leaves out, by the pages of these elements.
DEFAULTS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "true",
    "StopIfGoingOnBatteries": "true",
    "Enabled": "true",
    "ExecutionTimeLimit": "PT72H",
    "Priority": "7",
}


class Malformed(ValueError):
    """The text defines no task."""


def defined(folder: str, name: str, text: str) -> Task:
    """Give the task that a definition describes.

    Raises: Malformed.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - a text of our own scripts
    except ET.ParseError as error:
        raise Malformed(str(error)) from error
    command = root.find(_path("Actions/Exec/Command"))
    settings = root.find(_path("Settings"))
    if root.tag != f"{{{SPACE}}}Task" or command is None or settings is None:
        raise Malformed("it has no command or no settings")
    for tag, default in DEFAULTS.items():
        if settings.find(_path(tag)) is None:
            ET.SubElement(settings, f"{{{SPACE}}}{tag}").text = default
    registration = ET.Element(f"{{{SPACE}}}RegistrationInfo")
    ET.SubElement(registration, f"{{{SPACE}}}URI").text = folder + name
    root.insert(0, registration)
    ET.register_namespace("", SPACE)
    return Task(
        path=folder,
        name=name,
        execute=command.text or "",
        argument=root.findtext(_path("Actions/Exec/Arguments")) or "",
        folder=root.findtext(_path("Actions/Exec/WorkingDirectory")) or SYSTEM32,
        definition=HEAD + ET.tostring(root, encoding="unicode"),
    )


def _path(tags: str) -> str:
    return "/".join(f"{{{SPACE}}}{tag}" for tag in tags.split("/"))
