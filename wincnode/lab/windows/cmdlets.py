"""What Windows' own cmdlets answer and change, over the model of a machine.

Each answer gets the parameters that were bound and gives rows, one for each object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from wincnode.lab.windows import (
    defender,
    dns,
    firewall,
    limits,
    links,
    naming,
    net_cmdlets,
    tasks,
    triggers,
    wql,
)
from wincnode.lab.windows.features import Missing
from wincnode.lab.windows.machine import Machine, Task

Bound: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = list[Any]  # objects by their properties, or texts
Answer: TypeAlias = Callable[[Machine, Bound], Rows]


@dataclass(kw_only=True)
class CmdletError(Exception):
    """A cmdlet's error record: message, FullyQualifiedErrorId, and the category's name.

    Args: rows: what it gives all the same, where the error does not end it.
    """

    message: str
    id: str
    category: str = "NotSpecified"
    rows: Rows = field(default_factory=list)


def call(machine: Machine, cmdlet: str, bound: Bound) -> Rows:
    """Carry a cmdlet out.

    Raises: CmdletError: what Windows would report. LookupError: the lab has no such cmdlet.
    """
    if cmdlet in FEATURE_WORK:
        try:
            limits.work(machine, "feature_install")
        except limits.TooLong as error:
            raise CmdletError(message=str(error), id="TooLong,WincnodeLab") from error
    if cmdlet in machine.denied:
        raise _denied(cmdlet)
    with machine.mutex:
        machine.calls.append(f"{cmdlet} {bound.get('ClassName', '')}".strip())
        return ANSWERS[cmdlet](machine, bound)


def _get_cim_instance(machine: Machine, bound: Bound) -> Rows:
    """Only the properties that were asked for have a value, as on Windows."""
    name = str(bound["ClassName"])
    live = {"Win32_Service": machine.services.rows, "Win32_Process": machine.services.processes}
    rows = live[name]() if name in live else machine.cim.get(name)
    if rows is None:
        # WBEM_E_INVALID_CLASS, learn.microsoft.com/windows/win32/wmisdk/wmi-error-constants
        raise CmdletError(
            message="Invalid class ", id="HRESULT 0x80041010", category="MetadataError"
        )
    text = str(bound.get("Filter", ""))
    try:
        found = [row for row in rows if not text or wql.matches(text, row)]
    except wql.QueryError as error:
        # WBEM_E_INVALID_QUERY, same page
        raise CmdletError(
            message="Invalid query ", id="HRESULT 0x80041017", category="InvalidArgument"
        ) from error
    asked = _texts(bound.get("Property"))
    return [
        {
            "CimClass": name,
            **{field: value if _asked(field, asked) else None for field, value in row.items()},
        }
        for row in found
    ]


def _invoke_cim_method(machine: Machine, bound: Bound) -> Rows:
    instance = bound.get("InputObject") or {}
    name = bound.get("ClassName") or instance.get("CimClass")
    arguments = bound.get("Arguments") or {}
    method = str(bound["MethodName"])
    services = machine.services
    if (name, method) == ("Win32_ComputerSystem", "Rename"):
        (system,) = machine.cim["Win32_ComputerSystem"]
        member = bool(system["PartOfDomain"])
        code = naming.rename(machine.registry, arguments["Name"], domain_member=member)
        return [{"ReturnValue": code}]
    if (name, method) == ("Win32_EncryptableVolume", "GetKeyProtectors"):
        return _key_protectors(machine, instance, arguments)
    if name != "Win32_Service":
        raise CmdletError(
            message="Not found ", id="HRESULT 0x80041002", category="ObjectNotFound"
        )  # WBEM_E_NOT_FOUND, same page
    match method:
        case "Create":
            code = services.create(arguments)
        case "Change":
            code = services.change(instance["Name"], arguments)
        case "StartService":
            code = services.start(instance["Name"])
        case "StopService":
            code = services.stop(instance["Name"])
        case "Delete":
            code = services.delete(instance["Name"])
        case _:  # WBEM_E_METHOD_NOT_IMPLEMENTED, same page
            raise CmdletError(
                message="This method is not implemented in any class ",
                id="HRESULT 0x80041055",
                category="NotImplemented",
            )
    return [{"ReturnValue": code}]


def _key_protectors(machine: Machine, instance: Bound, arguments: Bound) -> Rows:
    """Name the protectors of one type; the machine's profile tells their types alone."""
    volumes = [
        row
        for row in machine.cim[str(instance["CimClass"])]
        if row["DeviceID"] == instance["DeviceID"]
    ]
    kind = int(arguments["KeyProtectorType"])
    found = [
        f"{{{kind:08X}-0000-0000-0000-000000000000}}"
        for row in volumes
        if kind in row["Protectors"]
    ]
    return [{"ReturnValue": 0, "VolumeKeyProtectorID": found}]


def _get_windows_feature(machine: Machine, bound: Bound) -> Rows:
    if machine.is_client:
        # dotnetcore-chocolatey/dotnetcore-chocolateypackages#39
        raise CmdletError(
            message="The target of the specified cmdlet cannot be a Windows client-based "
            "operating system.",
            id="Target_Client,Microsoft.Windows.ServerManager.Commands.GetWindowsFeatureCommand",
        )
    asked = _texts(bound.get("Name"))
    return [
        {"Name": name, "InstallState": state, "Installed": state == "Installed"}
        for name, state in machine.features.roles().items()
        if _asked(name, asked)
    ]


def _feature_work(cmdlet: str) -> Answer:
    return lambda machine, bound: _change_features(machine, cmdlet, bound)


def _change_features(machine: Machine, cmdlet: str, bound: Bound) -> Rows:
    on = not cmdlet.startswith(("Uninstall", "Disable"))
    names = _texts(bound.get("Name") or bound.get("FeatureName"))
    try:
        machine.features.turn(names, on=on, source="".join(_texts(bound.get("Source"))[:1]))
    except Missing as error:  # CBS_E_SOURCE_MISSING, as DISM's log and its messages tell it
        raise CmdletError(
            message="The source files could not be found. Error: 0x800f081f",
            id=f"DISMAPI_Error__Failed_To_Enable_Updates,{cmdlet}",
            category="InvalidResult",
        ) from error
    except KeyError as error:
        raise CmdletError(
            message=f"Feature name {error} is unknown.",
            id=f"HRESULT 0x800f080c,{cmdlet}",
            category="NotSpecified",
        ) from error
    return [{"Success": True}]


def _get_windows_optional_feature(machine: Machine, bound: Bound) -> Rows:
    asked = _texts(bound.get("FeatureName"))
    return [
        {"FeatureName": name, "State": state}
        for name, state in machine.features.states().items()
        if _asked(name, asked)
    ]


def _change_exclusions(machine: Machine, bound: Bound, *, present: bool) -> Rows:
    for parameter in defender.PARAMETERS:
        values = _texts(bound.get(parameter))
        defender.change(machine.registry, parameter, values, present=present)
    return []


def _network(cmdlet: str) -> Answer:
    def carry_out(machine: Machine, bound: Bound) -> Rows:
        try:
            return list(net_cmdlets.answer(cmdlet, machine.network, bound))
        except net_cmdlets.NetworkError as error:
            raise CmdletError(
                message=error.message, id=error.id, category=error.category, rows=error.rows
            ) from error

    return carry_out


def _resolve_dns_name(machine: Machine, bound: Bound) -> Rows:
    rows = dns.answer(machine, str(bound["Name"]), str(bound.get("Type", "A")))
    if not rows:
        raise CmdletError(
            message=f"{bound['Name']} : DNS name does not exist",
            # DNS_ERROR_RCODE_NAME_ERROR, [MS-ERREF] 2.2
            id="DNS_ERROR_RCODE_NAME_ERROR,Microsoft.DnsClient.Commands.ResolveDnsName",
            category="ResourceUnavailable",
        )
    return list(rows)


def _new_firewall_rule(machine: Machine, bound: Bound) -> Rows:
    if not firewall.add(machine.registry, bound):
        raise CmdletError(
            message="Cannot create a file when that file already exists.",
            id="HRESULT 0x800700b7,New-NetFirewallRule",  # ERROR_ALREADY_EXISTS, [MS-ERREF] 2.2
            category="ResourceExists",
        )
    return [{"Name": bound["Name"], "DisplayName": bound["DisplayName"]}]


def _remove_firewall_rule(machine: Machine, bound: Bound) -> Rows:
    name = str(bound["Name"])
    if not firewall.remove(machine.registry, name):
        raise CmdletError(
            message=f"No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to "
            f"'{name}'.  Verify the value of the property and retry.",
            id="CmdletizationQuery_NotFound_InstanceID,Remove-NetFirewallRule",
            category="ObjectNotFound",
        )
    return []


def _get_win_event(machine: Machine, bound: Bound) -> Rows:
    asked = bound["FilterHashtable"]
    (wanted,) = asked if isinstance(asked, list) else [asked]
    rows = machine.services.log.rows(wanted)[: int(bound["MaxEvents"])]
    if not rows:
        raise CmdletError(
            message="No events were found that match the specified selection criteria.",
            id="NoMatchingEventsFound,Microsoft.PowerShell.Commands.GetWinEventCommand",
            category="ObjectNotFound",
        )
    return list(rows)


def _values(_machine: Machine, bound: Bound) -> Rows:
    """Give the parameters as the object's properties: what the makers of task parts do."""
    return [dict(bound)]


def _register_task(machine: Machine, bound: Bound) -> Rows:
    if machine.denied & {"tasks", str(bound["TaskName"])}:
        raise _denied("Register-ScheduledTask")
    if _task_id(bound) in machine.tasks and not bound.get("Force"):
        raise CmdletError(
            message="Cannot create a file when that file already exists.",
            id="HRESULT 0x800700b7,Register-ScheduledTask",  # ERROR_ALREADY_EXISTS, [MS-ERREF] 2.2
            category="ResourceExists",
        )
    task = _defined(bound) if "Xml" in bound else _composed(bound)
    machine.tasks[_task_id(bound)] = task
    triggers.follow(machine, _task_id(bound), task)
    return [{"TaskPath": task.path, "TaskName": task.name}]


def _denied(cmdlet: str) -> CmdletError:
    return CmdletError(
        message="Access is denied.",
        id=f"HRESULT 0x80070005,{cmdlet}",  # E_ACCESSDENIED, [MS-ERREF] 2.1.1
        category="PermissionDenied",
    )


def _defined(bound: Bound) -> Task:
    try:
        return tasks.defined(str(bound["TaskPath"]), str(bound["TaskName"]), str(bound["Xml"]))
    except tasks.Malformed as error:
        raise CmdletError(
            message="The task XML is malformed.",
            # SCHED_E_MALFORMEDXML,
            # learn.microsoft.com/windows/win32/taskschd/task-scheduler-error-and-success-constants
            id="HRESULT 0x8004131a,Register-ScheduledTask",
        ) from error


def _composed(bound: Bound) -> Task:
    action = bound["Action"]
    (action,) = action if isinstance(action, list) else [action]
    return Task(
        path=str(bound["TaskPath"]),
        name=str(bound["TaskName"]),
        execute=str(action["Execute"]),
        argument=str(action.get("Argument", "")),
        folder=str(action.get("WorkingDirectory", SYSTEM_FOLDER)),
        settings={**(bound.get("Settings") or {}), **(bound.get("Principal") or {})},
        triggers=tuple(triggers.of(row) for row in _listed(bound.get("Trigger"))),
    )


def _export_task(machine: Machine, bound: Bound) -> Rows:
    task = machine.tasks.get(_task_id(bound))
    if task is None:
        raise _no_task("Export-ScheduledTask")
    return [task.definition]


def _start_task(machine: Machine, bound: Bound) -> Rows:
    task = machine.tasks.get(_task_id(bound))
    if task is None:
        raise _no_task("Start-ScheduledTask")
    machine.run_task(task)
    return []


def _unregister_task(machine: Machine, bound: Bound) -> Rows:
    if machine.tasks.pop(_task_id(bound), None) is None:
        raise _no_task("Unregister-ScheduledTask")
    return []


def _no_task(cmdlet: str) -> CmdletError:
    return CmdletError(
        message="The system cannot find the file specified.",
        id=f"HRESULT 0x80070002,{cmdlet}",  # ERROR_FILE_NOT_FOUND, [MS-ERREF] 2.2
        category="ObjectNotFound",
    )


def _task_id(bound: Bound) -> str:
    return f"{bound.get('TaskPath', chr(92))}{bound['TaskName']}".lower()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: object) -> list[str]:
    return [str(row) for row in _listed(value)]


def _asked(name: str, asked: list[str]) -> bool:
    return not asked or name.lower() in {row.lower() for row in asked}


# The default of a task without a folder: learn.microsoft.com/windows/win32/taskschd/execaction
SYSTEM_FOLDER = r"C:\Windows\System32"
FEATURE_WORK = {
    "Install-WindowsFeature",
    "Uninstall-WindowsFeature",
    "Enable-WindowsOptionalFeature",
    "Disable-WindowsOptionalFeature",
}
ANSWERS: dict[str, Answer] = {
    **{name: _feature_work(name) for name in FEATURE_WORK},
    "Add-MpPreference": lambda m, b: _change_exclusions(m, b, present=True),
    "Remove-MpPreference": lambda m, b: _change_exclusions(m, b, present=False),
    "Get-CimInstance": _get_cim_instance,
    "Invoke-CimMethod": _invoke_cim_method,
    "Get-WindowsFeature": _get_windows_feature,
    "Get-WindowsOptionalFeature": _get_windows_optional_feature,
    "Get-WinEvent": _get_win_event,
    **{name: _network(name) for name in net_cmdlets.CMDLETS},
    **{name: partial(links.answer, name) for name in links.CMDLETS},
    "Resolve-DnsName": _resolve_dns_name,
    "New-NetFirewallRule": _new_firewall_rule,
    "Remove-NetFirewallRule": _remove_firewall_rule,
    "New-ScheduledTaskAction": _values,
    "New-ScheduledTaskPrincipal": _values,
    "New-ScheduledTaskSettingsSet": _values,
    "New-ScheduledTaskTrigger": _values,
    "Export-ScheduledTask": _export_task,
    "Register-ScheduledTask": _register_task,
    "Start-ScheduledTask": _start_task,
    "Unregister-ScheduledTask": _unregister_task,
}
