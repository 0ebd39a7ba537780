"""Keeps a wrong password from locking an account: few nodes try it until one has taken it.

Source: failed logons of all nodes count towards a domain account's lock-out,
learn.microsoft.com/windows/security/threat-protection/security-policy-settings/account-lockout-threshold
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from wincnode.errors import NotLetIn
from wincnode.transport import Stdin, Transport

MOST_REFUSALS = 3


@dataclass(kw_only=True, slots=True)
class _Account:
    """What is known of one account: who tries it now, who refused it, whether one took it."""

    trying: int = 0
    refused: int = 0
    taken: bool = False


class Guard:
    """Lets at most three nodes try an account at a time until one takes it; three refusals end it.

    Threads of many nodes share it. A node that answers nothing tries no account, and so keeps no
    other from it.
    """

    def __init__(self) -> None:
        self._accounts: dict[Hashable, _Account] = {}
        self._changed = threading.Condition()

    def trial(self, account: Hashable, *, node: str) -> Trial:
        """Give what counts a node's first logon as one of the account."""
        return Trial(self, account, node)

    def enter(self, account: Hashable, *, node: str) -> None:
        """Wait until a node may try the account.

        Raises: NotLetIn: three nodes have refused it.
        """
        with self._changed:
            known = self._accounts.setdefault(account, _Account())
            self._changed.wait_for(
                lambda: (
                    known.taken
                    or known.refused >= MOST_REFUSALS
                    or known.trying + known.refused < MOST_REFUSALS
                )
            )
            if known.refused >= MOST_REFUSALS and not known.taken:
                raise NotLetIn(
                    f"{node}: not tried: {MOST_REFUSALS} nodes refused this account",
                    id="link.lockout",
                    remedy="Mend user and password first; more attempts could lock the account.",
                )
            known.trying += 1

    def leave(self, account: Hashable, *, taken: bool = False, refused: bool = False) -> None:
        """Say how a try went; neither, where the node could not be asked."""
        with self._changed:
            known = self._accounts[account]
            known.trying -= 1
            known.refused += refused
            known.taken = known.taken or taken
            self._changed.notify_all()


class Trial:
    """One node's first logon with an account."""

    def __init__(self, guard: Guard, account: Hashable, node: str) -> None:
        self._guard = guard
        self._account = account
        self._node = node
        self._trying = False
        self.known = False

    def begin(self) -> None:
        """Wait until the account may be tried; what follows a logon that was taken is no trial.

        Raises: NotLetIn: three nodes have refused it.
        """
        if not (self.known or self._trying):
            self._guard.enter(self._account, node=self._node)
            self._trying = True

    def end(self, *, taken: bool, refused: bool) -> None:
        """Say how it went; neither, where the node could not be asked."""
        self.known = taken
        if self._trying:
            self._trying = False
            self._guard.leave(self._account, taken=taken, refused=refused)

    def over(self, transport: Transport) -> Transport:
        """Give a transport that tells how its first logon went."""
        return _Watched(self, transport)


class _Watched:
    """A transport that tells a trial how its first logon went."""

    def __init__(self, trial: Trial, inner: Transport) -> None:
        self._trial = trial
        self._inner = inner

    @property
    def exit_code(self) -> int | None:
        """The last command's exit code."""
        return self._inner.exit_code

    @property
    def stderr(self) -> bytes:
        """What the last command wrote to stderr."""
        return self._inner.stderr

    def run(self, command: str, stdin: Stdin) -> Iterator[bytes]:
        """Run a command; the first one tells."""
        lines = self._inner.run(command, stdin)
        if self._trial.known:
            yield from lines
            return
        taken = refused = False
        try:
            first = next(lines, None)
            taken = True
        except NotLetIn as error:
            # Another scheme or a missing ticket is no attempt that anybody counts.
            refused = error.id == "link.password"
            raise
        finally:
            self._trial.end(taken=taken, refused=refused)
        if first is not None:
            yield first
        yield from lines

    def log_on_again(self) -> None:
        """Let one more attempt be made."""
        self._inner.log_on_again()

    def close(self) -> None:
        """Give back what the node holds for the link."""
        self._inner.close()
