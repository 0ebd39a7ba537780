"""Shells and commands of a simulated node, as WS-Management operations over an engine.

Source: [MS-WSMV] 3.1.4 (operations), and for what a repeated Receive gives:
jborean93/pypsrp src/pypsrp/wsman.py@v0.9.0 `receive`.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from wincnode.lab import wsman
from wincnode.lab.engine import Engine, Process
from wincnode.lab.wsman import Reply, Request, Streams

# The default of 2012 R2 and later: winrm/config MaxEnvelopeSizekb.
MAX_ENVELOPE_KB = 500
PRODUCT_VERSION = "OS: 10.0.20348 SP: 0.0 Stack: 3.0"
# ERROR_BROKEN_PIPE, what a Send gets once the process has ended: [MS-ERREF] 2.2,
# github.com/ansible/ansible/issues/69595
PIPE_ENDED = 109
# STATUS_CONTROL_C_EXIT, what Windows gives a console program that was ended: [MS-ERREF] 2.3.1.
ENDED_BY_SIGNAL = 0xC000013A


@dataclass(kw_only=True, slots=True)
class Command:
    """One started command, with the output that no reply has carried yet."""

    id: str
    process: Process
    stdout: bytes = b""
    stderr: bytes = b""
    ended: bool = False
    exit_code: int = 0
    finished: bool = False
    last_message_id: str = ""
    last_reply: Reply | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(kw_only=True, slots=True)
class Shell:
    """One open shell."""

    environment: dict[str, str]
    commands: dict[str, Command] = field(default_factory=dict)


class Shells:
    """All shells of one node; operations may come from several connections at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shells: dict[str, Shell] = {}

    def answer(self, request: Request) -> Reply:
        """Carry an operation out and build its reply.

        Raises: MessageError: the body cannot be read.
        """
        match request.name:
            case "Identify":
                return wsman.identified(PRODUCT_VERSION)
            case "Create":
                return self._create(request)
            case "Get" if request.resource.endswith("/config"):
                return _config(request)
        shell = self._shells.get(request.shell_id)
        return _gone(request) if shell is None else self._in_shell(request, shell)

    def close(self) -> None:
        """End every command."""
        for shell_id in list(self._shells):
            self._delete(shell_id)

    @property
    def open(self) -> int:
        """How many shells are open: what a client forgot to delete."""
        return len(self._shells)

    def _in_shell(self, request: Request, shell: Shell) -> Reply:
        operations = {
            "Command": self._command,
            "Send": _send,
            "Receive": _receive,
            "Signal": _signal,
            "Delete": self._delete_shell,
        }
        operation = operations.get(request.name, _unknown)
        return operation(request, shell)

    def _create(self, request: Request) -> Reply:
        shell_id = str(uuid.uuid4()).upper()
        self._shells[shell_id] = Shell(environment=wsman.environment(request))
        return wsman.created(request, shell_id)

    def _command(self, request: Request, shell: Shell) -> Reply:
        line, chosen = wsman.command_line(request)
        command_id = (chosen or str(uuid.uuid4())).upper()
        process = self._engine.start(line, shell.environment)
        shell.commands[command_id] = Command(id=command_id, process=process)
        return wsman.reply(
            request,
            f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId>"
            "</rsp:CommandResponse>",
        )

    def _delete_shell(self, request: Request, _shell: Shell) -> Reply:
        self._delete(request.shell_id)
        return wsman.reply(request, "")

    def _delete(self, shell_id: str) -> None:
        shell = self._shells.pop(shell_id, None)
        for command in list(shell.commands.values()) if shell else ():
            command.process.terminate()


def _send(request: Request, shell: Shell) -> Reply:
    command_id, data, end = wsman.sent(request)
    command = shell.commands.get(command_id)
    if command is None or command.finished:
        return _gone(request)
    try:
        command.process.write(data, end=end)
    except BrokenPipeError:
        return wsman.fault(
            request, PIPE_ENDED, subcode="w:InternalError", message="The pipe has been ended. "
        )
    return wsman.reply(request, "<rsp:SendResponse/>")


def _receive(request: Request, shell: Shell) -> Reply:
    """Wait for output; the identical message again gets the reply that it got before."""
    command = shell.commands.get(wsman.received_command(request))
    if command is None:
        return _gone(request)
    with command.lock:
        if command.last_reply is not None and request.message_id == command.last_message_id:
            return command.last_reply
        if command.finished:
            return _gone(request)
        streams = _take(command, request)
        if streams is None:
            return wsman.fault(
                request,
                wsman.OPERATION_TIMED_OUT,
                subcode="w:TimedOut",
                message="The WS-Management service cannot complete the operation within the "
                "time specified in OperationTimeout.",
            )
        command.finished = streams.done
        command.last_message_id = request.message_id
        command.last_reply = wsman.streamed(request, command.id, streams)
        return command.last_reply


def _take(command: Command, request: Request) -> Streams | None:
    """Take as much output as fits the client's envelope; nothing when none came in time."""
    if not (command.stdout or command.stderr or command.ended):
        output = command.process.read(request.timeout_s)
        command.stdout += output.stdout
        command.stderr += output.stderr
        command.ended = output.done
        if output.done:
            command.exit_code = ENDED_BY_SIGNAL if output.exit_code is None else output.exit_code
    if not (command.stdout or command.stderr or command.ended):
        return None
    room = max(1024, (request.max_envelope_bytes - wsman.ENVELOPE_OVERHEAD_BYTES) * 3 // 4)
    stdout, command.stdout = command.stdout[:room], command.stdout[room:]
    room -= len(stdout)
    stderr, command.stderr = command.stderr[:room], command.stderr[room:]
    done = command.ended and not command.stdout and not command.stderr
    return Streams(stdout=stdout, stderr=stderr, done=done, exit_code=command.exit_code)


def _signal(request: Request, shell: Shell) -> Reply:
    """End a command; terminate after Done is the acknowledgement that frees it."""
    command_id, code = wsman.signalled(request)
    command = shell.commands.get(command_id)
    if command is None:
        return _gone(request)
    command.process.terminate()
    if command.finished and code == "terminate":
        shell.commands.pop(command_id, None)
    return wsman.reply(request, "<rsp:SignalResponse/>")


def _config(request: Request) -> Reply:
    return wsman.reply(
        request,
        f"<cfg:Config><cfg:MaxEnvelopeSizekb>{MAX_ENVELOPE_KB}</cfg:MaxEnvelopeSizekb>"
        "<cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms></cfg:Config>",
    )


def _unknown(request: Request, _shell: Shell) -> Reply:
    return wsman.fault(
        request,
        wsman.ACTION_NOT_SUPPORTED,
        subcode="a:ActionNotSupported",
        message=f"The lab does not know the action {request.action}.",
    )


def _gone(request: Request) -> Reply:
    return wsman.fault(
        request,
        wsman.UNEXPECTED_SELECTORS,
        subcode="w:InvalidSelectors",
        message="The request for the Windows Remote Shell failed because the shell or the "
        "command identifier was not found on the server.",
    )
