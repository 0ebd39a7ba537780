"""The controllers: one thread that reacts to changes, a moment after they happened."""

from __future__ import annotations

import threading
from collections.abc import Callable

from wincnode.lab.cluster import signing
from wincnode.lab.cluster.authority import Authority
from wincnode.lab.cluster.store import Store

# Tokens end without a change of any object.
GLANCE_S = 0.2


class Controllers:
    """Signs, approves and cleans until it is stopped.

    Args: more: further work to be done after each change.
    `approves` off stands for a cluster whose CSRs nobody approves by itself; `signs_tokens` off
    for one without the bootstrapsigner.
    """

    def __init__(
        self, store: Store, authority: Authority, more: tuple[Callable[[], None], ...] = ()
    ) -> None:
        self.approves = True
        self.signs_tokens = True
        self.delay_s = 0.0
        self._store = store
        self._authority = authority
        self._more = more
        self._seen = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, when what is under way is done."""
        self._ended.set()
        self._store.wake()
        self._thread.join()

    def react(self) -> None:
        """Do at once what there is to do."""
        store = self._store
        with store.changed:
            changed, self._seen = store.version != self._seen, store.version
            signing.clean_tokens(store)
            if self.signs_tokens:
                signing.sign_cluster_info(store)
            for csr in store.rows(signing.CSRS):
                try:
                    if self.approves:
                        signing.approve(store, csr)
                    signing.sign(store, csr, self._authority)
                except ValueError:
                    continue  # nothing that could be read is in it
            for work in self._more if changed else ():
                work()

    def _run(self) -> None:
        since = 0
        while not self._ended.is_set():
            self._ended.wait(self.delay_s)
            self.react()
            since = self._store.version
            self._store.wait(since, GLANCE_S)
