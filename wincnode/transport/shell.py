"""One command after the other in one shell of a node, its output as lines, its shell given back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Sequence

from wincnode.errors import (
    ConfigError,
    NodeError,
    NodeRefused,
    NodeUnreachable,
    NotLetIn,
    UntrustedNode,
)
from wincnode.transport import ConnectionLost, ConnectionSettings, Stdin, endpoint
from wincnode.transport.lines import split_lines
from wincnode.transport.winrm import Link
from wincnode.transport.wsman import Received, parse_received

MAX_STDERR_BYTES = 1 << 20
# 350 KB are 467 KB in base64, which leaves room for the SOAP around it in 512,000 bytes.
STDIN_CHUNK_BYTES = 350_000
MIN_CHUNK_BYTES = 16_000
RESEND_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
# 60 s in all: shells of a client that is gone end by themselves, and a busy hour of others passes.
QUOTA_DELAYS_S = (1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
BUSY_WAIT_S = 0.5
BUSY_TRIES = 120
# The limit of cmd.exe, see "Command prompt line string limitation" under
# learn.microsoft.com/troubleshoot/windows-client/shell-experience
MAX_COMMAND_CHARACTERS = 8191


class WinrmTransport:
    """A link over WinRM; used from one thread at a time."""

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        resend_delays_s: Sequence[float] = RESEND_DELAYS_S,
        quota_delays_s: Sequence[float] = QUOTA_DELAYS_S,
    ) -> None:
        self.exit_code: int | None = None
        self.stderr = b""
        self._node = endpoint.node_name(settings)
        self._link = Link(settings)
        self._resend_delays_s = tuple(resend_delays_s)
        self._quota_delays_s = tuple(quota_delays_s)
        self._silence_s = settings.silence_s
        # What this node takes of stdin at once; less, once it has refused so much.
        self._chunk_bytes = STDIN_CHUNK_BYTES
        self._shell = ""
        self._refusal: NodeError | None = None

    def run(self, command: str, stdin: Stdin) -> Iterator[bytes]:
        """Yield the command's stdout lines; see `Transport.run`."""
        if len(command) > MAX_COMMAND_CHARACTERS or not command.isprintable():
            raise ConfigError(f"{self._node}: the command line is too long or not printable")
        self.exit_code, self.stderr = None, b""
        with contextlib.closing(self._output(command, stdin)) as chunks:
            yield from split_lines(chunks, node=self._node)

    def log_on_again(self) -> None:
        """Let one more attempt be made; see `Transport.log_on_again`."""
        self._refusal = None

    def close(self) -> None:
        """Delete the shell and close the connection; never raises."""
        self._give_up_shell()
        with contextlib.suppress(Exception):  # nothing is left to save
            self._link.drop()

    def _output(self, command: str, stdin: Stdin) -> Generator[bytes, None, None]:
        if self._refusal is not None:
            # Another attempt with the same password brings the account nearer to its lock-out.
            raise self._refusal
        try:
            command_id = self._started(command)
            yield from self._output_of(command_id, stdin)
        except (NotLetIn, UntrustedNode) as err:
            self._refusal = err
            raise

    def _output_of(self, command_id: str, stdin: Stdin) -> Iterator[bytes]:
        try:
            self._send(command_id, stdin)
            yield from self._received(command_id)
        except GeneratorExit:
            self._terminate(command_id)
            raise
        except BaseException as err:
            # A reply may still be on its way on this connection, and belongs to nobody now.
            self._link.drop()
            # After a refusal every message would be another attempt to log on.
            if not isinstance(err, NotLetIn | UntrustedNode) and self._terminate(command_id):
                self._give_up_shell()
            self._shell = ""
            raise
        self._terminate(command_id)

    def _started(self, command: str) -> str:
        """Start the command; while a quota of the node is used up, wait for others to end."""
        for delay_s in self._quota_delays_s:
            try:
                return self._start(command)
            except NodeRefused as err:
                if err.id != "link.quota":
                    raise
            time.sleep(delay_s)
        return self._start(command)

    def _start(self, command: str) -> str:
        """Start the command in the shell of the last one, or in a new one if that is spent."""
        try:
            if self._shell:
                try:
                    return self._link.start(self._shell, command)
                except NodeError as err:
                    if err.id not in ("link.shell-gone", "link.quota"):
                        raise
                    self._give_up_shell()
            self._shell = self._link.open_shell()
            return self._link.start(self._shell, command)
        except NodeUnreachable:
            self._link.drop()
            self._give_up_shell()
            raise

    def _send(self, command_id: str, stdin: Stdin) -> None:
        """Send stdin in parts; stop early when the command ended without reading it all."""
        sent = 0
        busy_tries = BUSY_TRIES
        while True:
            size = self._chunk_bytes
            part = stdin[sent : sent + size]
            try:
                self._link.send(self._shell, command_id, part, end=sent + size >= len(stdin))
            except NodeError as err:
                if err.id == "link.envelope" and size > MIN_CHUNK_BYTES:
                    self._chunk_bytes = size // 2
                    continue
                if err.id == "link.busy" and busy_tries:
                    busy_tries -= 1
                    time.sleep(BUSY_WAIT_S)
                    continue
                if err.id in ("link.fault", "link.shell-gone", "link.busy"):
                    # Its exit code and stderr, which Receive brings, say more than this fault.
                    return
                if err.id != "link.timeout":
                    raise
                # The part is taken but not read yet; sent again, it would arrive twice.
            sent += size
            if sent >= len(stdin):
                return

    def _received(self, command_id: str) -> Iterator[bytes]:
        stderr = bytearray()
        heard_s = time.monotonic()
        while True:
            received = self._next_output(command_id)
            if received is None:
                self._refuse_silence(time.monotonic() - heard_s)
                continue
            heard_s = time.monotonic()
            stderr += received.stderr
            del stderr[:-MAX_STDERR_BYTES]
            if received.stdout:
                yield received.stdout
            if received.done:
                self.exit_code, self.stderr = received.exit_code, bytes(stderr)
                return

    def _refuse_silence(self, seconds: float) -> None:
        if seconds > self._silence_s:
            raise ConnectionLost(
                f"{self._node}: the node answers, but the command has written nothing for"
                f" {seconds:.0f} s",
                remedy="See whether PowerShell hangs there; the run is asked for again.",
            )

    def _next_output(self, command_id: str) -> Received | None:
        """Return the next output, None when there is none yet.

        A message that is sent again with its MessageID gets the reply that was lost; a new one
        would skip it. Source: github.com/jborean93/pypsrp src/pypsrp/wsman.py `receive`.
        """
        message_id, message = self._link.receive_message(self._shell, command_id)
        for delay_s in (*self._resend_delays_s, None):
            try:
                reply = self._link.receive(message)
            except ConnectionLost as err:
                if delay_s is None or err.id == "link.shell-gone":
                    raise
                self._link.drop()
                time.sleep(delay_s)
            else:
                if reply is None:
                    return None
                return parse_received(reply, message_id=message_id, node=self._node)
        return None

    def _terminate(self, command_id: str) -> bool:
        """Send Signal terminate, also after the end: it acknowledges the output.

        Without it operations leak towards MaxConcurrentOperationsPerUser:
        github.com/jborean93/pypsrp/issues/76, github.com/ansible/ansible/issues/23165
        """
        try:
            self._link.terminate(self._shell, command_id)
        except ConnectionLost as err:
            return err.id == "link.shell-gone"
        except Exception:  # noqa: BLE001 - what the command said matters, not this goodbye
            return False
        return True

    def _give_up_shell(self) -> None:
        shell, self._shell = self._shell, ""
        if shell:
            with contextlib.suppress(Exception):  # the node deletes idle shells by itself
                self._link.delete(shell)
