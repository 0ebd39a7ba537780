"""The Host Network Service of a simulated machine: networks, endpoints and namespaces in a file.

The file lies in the machine's folder, so that a native library can keep the same state. What a
document is refused for is `hns_rules`.
Sources: learn.microsoft.com/virtualization/api/hcn/hns_schema (documents), .../hcnhresult (codes);
microsoft/hcsshim:hcn@7c9ff7f4 (calls, filters); microsoft/SDN#498 (the adapter's address moves).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from wincnode.lab.windows import hns_objects as objects
from wincnode.lab.windows import hns_rules as rules
from wincnode.lab.windows.hns_rules import HnsError
from wincnode.lab.windows.services import Service, Services

Row: TypeAlias = dict[str, Any]
Document: TypeAlias = Mapping[str, Any]
KINDS = ("network", "endpoint", "namespace")
EXTERNAL = ("L2Bridge", "L2Tunnel", "Overlay", "Transparent")
# What /globals/version says: the ranges of microsoft/hcsshim:hcn/hcnglobals.go@7c9ff7f4 and the
# order of releases; no Windows was at hand.
VERSIONS: Mapping[int, tuple[int, int]] = {17763: (9, 5), 20348: (13, 2), 26100: (15, 4)}
# Questions after which a new external network knows its address.
SETTLING = 2
# What can be wrong with it, by name, and what that is.
FAULTS: Mapping[str, str] = {
    "hns-refused": "HNS makes no network: the adapter is not found",
    "hns-stopped": "HNS is stopping for ever",
    "hns-hangs": "a call that makes a network does not return",
    "hns-restarts": "HNS restarts while a network is made",
}


class Hns:
    """The service.

    Args:
        file: holds the state; a file beside it is its lock.
        adapters: gives the address ("" for none) of each physical adapter that is up, by its
            name; the first has the default route.
    `faults` are what is wrong, of FAULTS.
    """

    def __init__(
        self,
        file: Path,
        *,
        build: int,
        services: Services,
        adapters: Callable[[], Mapping[str, str]],
    ) -> None:
        self.file = file
        self.build = build
        self.faults: set[str] = set()
        self.settling = SETTLING
        self._services = services
        self._adapters = adapters
        services.on_change.append(self._hear)

    @property
    def version(self) -> tuple[int, int]:
        """Give the version of HNS that the build has."""
        return VERSIONS[max((row for row in VERSIONS if row <= self.build), default=17763)]

    def bound(self) -> Mapping[str, str]:
        """Give the virtual adapter that has taken over, by each physical one under a switch."""
        return {name: f"vEthernet ({name})" for name in objects.bound(self._read())}

    def documents(self, kind: str) -> tuple[Document, ...]:
        """Give what is there of one of KINDS, whether HNS answers or not."""
        return tuple(row["document"] for row in self._read()[f"{kind}s"])

    def load(self, rows: Iterable[Document]) -> None:
        """Put in the networks of a profile, as Get-HnsNetwork shows them; none binds an adapter."""
        for row in rows:
            with self._open() as state:
                made = {**objects.from_v1(row), "ID": objects.fresh_id(state)}
                state["networks"].append(
                    {"document": made, "adapter": "", "address": "", "settling": 0}
                )

    def publish(self) -> None:
        """Write down how the machine is, for the native library."""
        with self._open():
            pass

    def enumerate(self, kind: str, query: Document | None = None) -> tuple[str, ...]:
        """Give the ids of what a query's filter meets.

        Raises: HnsError.
        """
        with self._answering() as state:
            rows = [row["document"] for row in state[f"{kind}s"]]
            wanted = rules.filter_of(query)
            return tuple(row["ID"] for row in rows if rules.meets(row, wanted))

    def create(self, kind: str, id: str, document: Any, network: str = "") -> str:
        """Make one; `id` "" lets HNS choose. Gives its id.

        Raises: HnsError.
        """
        with self._answering() as state:
            if kind == "network":
                self._fail(state)
                rules.network(document, build=self.build, version=self.version)
            made = dict(document) if isinstance(document, dict) else {}
            made["ID"] = (id or made.get("ID") or objects.fresh_id(state)).upper()
            match kind:
                case "network":
                    self._network(state, made)
                case "endpoint":
                    objects.add_endpoint(state, document, made, network)
                case _:
                    objects.add_namespace(state, document, made)
            return str(made["ID"])

    def query(self, kind: str, id: str) -> Document:
        """Give the document of one as HNS tells it.

        Raises: HnsError: there is none.
        """
        with self._answering() as state:
            row = objects.find(state, kind, id)
            told = dict(row["document"])
            if row.get("settling", 0) > 0:
                row["settling"] -= 1
            elif row.get("address"):
                told["Policies"] = [
                    *told["Policies"],
                    objects.policy("ProviderAddress", row["address"]),
                ]
                if told["Type"] == "Overlay":
                    told["Policies"].append(objects.policy("DrMacAddress", "00-15-5D-6A-00-01"))
            if told.get("Type") == "NAT" and self.build < rules.KEEPS_FROM:
                # HNS may leave the type of a NAT out: microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4
                del told["Type"]
            return told

    def modify(self, kind: str, id: str, request: Any) -> None:
        """Change one.

        Raises: HnsError.
        """
        with self._answering() as state:
            row = objects.find(state, kind, id)["document"]
            change = rules.request(kind, request)
            settings = request.get("Settings", {})
            if kind == "namespace":
                objects.change_resource(state, row, change, settings)
            else:
                objects.change_policies(row, change, settings["Policies"])

    def delete(self, kind: str, id: str) -> None:
        """Remove one.

        Raises: HnsError: there is none, or others hang on it.
        """
        with self._answering() as state:
            row = objects.find(state, kind, id)
            if kind == "network" and any(
                item["document"]["HostComputeNetwork"] == row["document"]["ID"]
                for item in state["endpoints"]
            ):
                raise HnsError(rules.HAS_REFERENCES)
            state[f"{kind}s"].remove(row)
            if kind == "endpoint":
                objects.detach(state, row["document"]["ID"])
            for end in state["endpoints"] if kind == "namespace" else ():
                if end["document"]["HostComputeNamespace"] == row["document"]["ID"]:
                    end["document"]["HostComputeNamespace"] = ""

    def boot(self) -> None:
        """Lose what does not outlive a boot: networks that are not persistent, all else."""
        with self._open() as state:
            state["stopped"] = False
            self._lose(state)
            state["namespaces"] = []

    def restart(self) -> None:
        """Start the service anew: handles are void, endpoints and what is not persistent is gone.

        Source: Azure/AgentBaker:staging/cse/windows/hnsremediator.ps1@06836ee2 (endpoints)
        """
        with self._open() as state:
            self._lose(state)

    def _fail(self, state: Row) -> None:
        """Do what is wrong while a network is made.

        Raises: HnsError.
        """
        if "hns-refused" in self.faults:
            raise HnsError(rules.ADAPTER_NOT_FOUND)
        if "hns-hangs" in self.faults:
            raise HnsError(rules.TOO_LONG)
        if "hns-restarts" in self.faults:
            self._lose(state)
            self._write(state)
            raise HnsError(rules.CALL_FAILED)

    def _lose(self, state: Row) -> None:
        state["generation"] += 1
        state["networks"] = [
            row for row in state["networks"] if rules.persists(row["document"], self.build)
        ]
        state["endpoints"] = []
        for row in state["namespaces"]:
            row["document"]["Resources"] = []

    def _hear(self, service: Service) -> None:
        if service.name.lower() != "hns":
            return
        with self._open() as state:
            if state["stopped"] != (service.state != "Running"):
                state["stopped"] = service.state != "Running"
                self._lose(state)

    def _network(self, state: Row, made: Row) -> None:
        rows = state["networks"]
        if any(made["Name"] == row["document"]["Name"] for row in rows) or objects.has(
            rows, made["ID"]
        ):
            raise HnsError(rules.NETWORK_EXISTS)
        if made["Type"] == "NAT" and rules.overlaps(made, [row["document"] for row in rows]):
            raise HnsError(rules.INVALID_PARAMETER)
        row: Row = {"document": made, "adapter": "", "address": "", "settling": 0}
        if made["Type"] in EXTERNAL:
            row |= self._switch(state, made)
        made["Policies"] = list(made.get("Policies") or [])
        made.setdefault("Flags", 0)
        made.setdefault("MacPool", rules.mac_pool(len(rows)))
        made.setdefault("Dns", {})
        made.setdefault("Ipams", [])
        made["Health"] = {"Extra": {"SwitchGuid": objects.fresh_id(state)}}
        made["Version"] = (self.version[0] << 32) + self.version[1]
        rows.append(row)

    def _switch(self, state: Row, made: Row) -> Row:
        """Find the adapter under the external switch: networks of one type share it."""
        here = self._adapters()
        wanted = rules.adapter(made)
        taken = {row["adapter"]: row for row in state["networks"] if row["adapter"]}
        free = [
            name
            for name in here
            if taken.get(name, {"document": made})["document"]["Type"] == made["Type"]
        ]
        fitting = [name for name in free if not wanted or name.lower() == wanted.lower()]
        if not fitting:
            raise HnsError(rules.ADAPTER_NOT_FOUND)
        name = fitting[0]
        address = taken[name]["address"] if name in taken else here[name]
        return {"adapter": name, "address": address, "settling": self.settling}

    @contextmanager
    def _answering(self) -> Iterator[Row]:
        """Open the state as a call does.

        Raises: HnsError: the service does not answer.
        """
        with self._open() as state:
            if not state["host"]["there"]:
                raise HnsError(rules.NOT_REGISTERED)
            if state["stopped"] or state["host"]["stopped"]:
                raise HnsError(rules.MANAGER_STOPPED)
            yield state

    @contextmanager
    def _open(self) -> Iterator[Row]:
        with self.file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self._read()
            before = json.dumps(state)
            state["host"] = self._host()
            yield state
            if json.dumps(state) != before:
                self._write(state)

    def _write(self, state: Row) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="ascii")
        fresh.rename(self.file)

    def _read(self) -> Row:
        # Writers put a whole file in its place, so that who only reads needs no lock.
        try:
            found: Row = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            empty: Row = {f"{kind}s": [] for kind in KINDS}
            return {"host": {}, "stopped": False, "generation": 1, "made": 0, **empty}
        return found

    def _host(self) -> Row:
        rows = [row for row in self._services.rows() if row["Name"].lower() == "hns"]
        return {
            "build": self.build,
            "version": list(self.version),
            "there": bool(rows) and rows[0]["StartMode"] != "Disabled",
            "stopped": "hns-stopped" in self.faults,
            "settling": self.settling,
            "adapters": [
                {"name": name, "address": address} for name, address in self._adapters().items()
            ],
        }
