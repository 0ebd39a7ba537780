"""What the Host Compute Service answers, in types; a field that is not known here is passed over.

Source: learn.microsoft.com/virtualization/api/hcs/schemareference;
microsoft/hcsshim:internal/hcs/schema2@7c9ff7f4
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wincnode.errors import BadReply
from wincnode.hcs.shapes import Shape

STATES = ("Created", "Running", "Paused", "Stopped", "SavedAsTemplate", "Unknown")
TYPES = ("Container", "VirtualMachine")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessorTimes:
    """Time on processors, in 100 ns."""

    total_100ns: int
    user_100ns: int
    kernel_100ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """What a system has used; Windows leaves zeroes out."""

    started: str
    uptime_100ns: int
    processor: ProcessorTimes
    commit_bytes: int
    commit_peak_bytes: int
    private_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemProcess:
    """A process of a container."""

    id: int
    image: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Properties:
    """What a compute system says of itself; empty texts for what it leaves out."""

    id: str
    type: str
    state: str = ""
    owner: str = ""
    name: str = ""
    runtime_id: str = ""
    os_type: str = ""
    hosting_system: str = ""
    exit_type: str = ""
    stopped: bool = False
    statistics: Statistics | None = None
    processes: tuple[SystemProcess, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProperties:
    """What the service says of itself.

    Args: schemas: (major, minor) of the newest of each major version.
        features: of the processor, where they were asked for.
    """

    schemas: tuple[tuple[int, int], ...]
    features: tuple[str, ...] = ()

    @property
    def newest(self) -> int:
        """Give the newest minor version of schema 2; -1 where there is none."""
        return max((minor for major, minor in self.schemas if major == 2), default=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessStatus:
    """Whether a process has ended; the code counts where it has."""

    process_id: int
    exited: bool
    exit_code: int
    last_wait_result: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitStatus:
    """How a system ended; `initiators` are `Detail by Initiator` of its attribution."""

    status: int
    type: str
    initiators: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorEvent:
    """One thing that Windows recorded on the way to an error."""

    message: str
    provider: str
    event_id: int
    data: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultError:
    """Why a call failed, as Windows says it.

    Args: code: the HRESULT, from 0 to 2**32.
    """

    code: int
    message: str
    events: tuple[ErrorEvent, ...] = ()

    @property
    def words(self) -> str:
        """Give all that is said, a line each."""
        rows = [self.message, *(event.message for event in self.events)]
        return "\n".join(dict.fromkeys(row.strip() for row in rows if row.strip()))


def properties(value: Any, path: str = "Properties") -> Properties:
    """Read the answer about one system.

    Raises: BadReply: it has another shape; the message names the path.
    """
    row = Shape(value, path)
    return Properties(
        id=row.text("Id"),
        type=_one_of(row, "SystemType", TYPES),
        state=_one_of(row, "State", STATES, "Unknown"),
        owner=row.text("Owner", ""),
        name=row.text("Name", ""),
        runtime_id=row.text("RuntimeId", ""),
        os_type=row.text("RuntimeOsType", ""),
        hosting_system=row.text("HostingSystemId", ""),
        exit_type=row.text("ExitType", ""),
        stopped=row.flag("Stopped", default=False),
        statistics=_statistics(row.inner("Statistics")),
        processes=tuple(
            SystemProcess(id=one.number("ProcessId"), image=one.text("ImageName", ""))
            for one in row.rows("ProcessList")
        ),
    )


def systems(value: Any, path: str = "systems") -> tuple[Properties, ...]:
    """Read the answer to an enumeration; Windows may give nothing for none.

    Raises: BadReply.
    """
    if value is None or value == "":
        return ()
    if not isinstance(value, list):
        raise BadReply(f"{path} is {value!r:.60}, not a list")
    return tuple(properties(row, f"{path}[{at}]") for at, row in enumerate(value))


def service(value: Any, path: str = "ServiceProperties") -> ServiceProperties:
    """Read the service's answer.

    Raises: BadReply.
    """
    row = Shape(value, path)
    versions = tuple(
        (one.number("Major"), one.number("Minor"))
        for basic in row.rows("Properties")
        for one in basic.rows("SupportedSchemaVersions")
    )
    return ServiceProperties(schemas=versions, features=tuple(_features(row)))


def process_status(value: Any, path: str = "ProcessStatus") -> ProcessStatus:
    """Read whether a process has ended.

    Raises: BadReply.
    """
    row = Shape(value, path)
    return ProcessStatus(
        process_id=row.number("ProcessId", 0),
        exited=row.flag("Exited", default=False),
        exit_code=row.number("ExitCode", 0),
        last_wait_result=row.number("LastWaitResult", 0),
    )


def exit_status(value: Any, path: str = "SystemExitStatus") -> ExitStatus:
    """Read how a system ended.

    Raises: BadReply.
    """
    row = Shape(value, path)
    ends = (one.inner("SystemExit") for one in row.rows("Attribution"))
    return ExitStatus(
        status=row.number("Status", 0) & 0xFFFFFFFF,
        type=row.text("ExitType", ""),
        initiators=tuple(
            f"{end.text('Detail', '')} by {end.text('Initiator', '')}" for end in ends if end
        ),
    )


def result_error(value: Any, path: str = "ResultError") -> ResultError:
    """Read why a call failed.

    Raises: BadReply.
    """
    row = Shape(value, path)
    return ResultError(
        code=row.number("Error", 0) & 0xFFFFFFFF,
        message=row.text("ErrorMessage", ""),
        events=tuple(_event(one) for one in row.rows("ErrorEvents")),
    )


def _event(row: Shape) -> ErrorEvent:
    return ErrorEvent(
        message=row.text("Message", ""),
        provider=row.text("Provider", ""),
        event_id=row.number("EventId", 0),
        data=tuple(one.text("Value", "") for one in row.rows("Data")),
    )


def _statistics(row: Shape | None) -> Statistics | None:
    if row is None:
        return None
    processor = row.inner("Processor") or Shape({}, row.path)
    memory = row.inner("Memory") or Shape({}, row.path)
    return Statistics(
        started=row.text("ContainerStartTime", ""),
        uptime_100ns=row.number("Uptime100ns", 0),
        processor=ProcessorTimes(
            total_100ns=processor.number("TotalRuntime100ns", 0),
            user_100ns=processor.number("RuntimeUser100ns", 0),
            kernel_100ns=processor.number("RuntimeKernel100ns", 0),
        ),
        commit_bytes=memory.number("MemoryUsageCommitBytes", 0),
        commit_peak_bytes=memory.number("MemoryUsageCommitPeakBytes", 0),
        private_bytes=memory.number("MemoryUsagePrivateWorkingSetBytes", 0),
    )


def _features(row: Shape) -> Iterator[str]:
    """Give the features of the processor, where the service was asked for them."""
    answers = row.inner("PropertyResponses")
    capabilities = answers.inner("ProcessorCapabilities") if answers else None
    response = capabilities.inner("Response") if capabilities else None
    found = response.value.get("ProcessorFeatures", []) if response else []
    if response and not isinstance(found, list):
        raise BadReply(f"{response.path}.ProcessorFeatures is {found!r:.60}, not a list")
    for at, one in enumerate(found):
        if not isinstance(one, str) and response:
            path = f"{response.path}.ProcessorFeatures[{at}]"
            raise BadReply(f"{path} is {one!r:.60}, not a text")
        yield one


def _one_of(row: Shape, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    found = row.text(key, default)
    if found not in allowed:
        raise BadReply(f"{row.path}.{key} is {found!r:.60}, not one of {', '.join(allowed)}")
    return found
