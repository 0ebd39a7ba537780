"""Groups and hosts of an Ansible inventory, and whose variables win.

Source: ansible/ansible:lib/ansible/inventory/data.py, group.py and host.py@v2.19.14.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from wincnode.errors import ConfigError
from wincnode.inventory.ansible.ranges import LIMIT_HOSTS
from wincnode.inventory.ansible.variables import Placed, Values
from wincnode.inventory.marks import Mistakes, Place, shown

ALL, UNGROUPED = "all", "ungrouped"
LIMIT_GROUPS = 10_000
LIMIT_DEPTH = 64
SHOWN = 8  # of a circle, however long it is


@dataclass(kw_only=True, slots=True)
class Group:
    """A group while the files are read; children know where they were put into it."""

    name: str
    place: Place | None = None
    priority: int = 1
    children: dict[str, Place] = field(default_factory=dict)
    hosts: dict[str, None] = field(default_factory=dict)
    values: Values = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Host:
    """A host while the files are read."""

    name: str
    place: Place
    values: Values = field(default_factory=dict)


class Tree:
    """All groups and hosts of all files, as they are read one after the other."""

    def __init__(self) -> None:
        self.groups = {name: Group(name=name) for name in (ALL, UNGROUPED)}
        self.hosts: dict[str, Host] = {}

    def add_group(self, name: str, place: Place) -> None:
        """Add a group, unless it is there.

        Raises: ValueError: the name is none. ConfigError: there are too many.
        """
        if name not in self.groups:
            _check_name(name, "group")
            if len(self.groups) >= LIMIT_GROUPS:
                raise ConfigError(f"{place}: more than {LIMIT_GROUPS} groups")
            self.groups[name] = Group(name=name, place=place)

    def add_child(self, parent: str, child: str, place: Place) -> None:
        """Put a group into another; both are there."""
        self.groups[parent].children.setdefault(child, place)

    def add_host(self, name: str, group: str, place: Place, port: int | None = None) -> None:
        """Add a host, unless it is there, and put it into a group.

        Raises: ValueError: the name is none. ConfigError: there are too many.
        """
        if name not in self.hosts:
            _check_name(name, "host")
            if len(self.hosts) >= LIMIT_HOSTS:
                raise ConfigError(f"{place}: more than {LIMIT_HOSTS} hosts")
            self.hosts[name] = Host(name=name, place=place)
            if port:  # a port counts where the host is met first
                self.hosts[name].values["ansible_port"] = Placed(value=port, place=place)
        self.groups[group].hosts[name] = None

    def set(self, name: str, variable: str, value: Placed) -> None:
        """Set a variable of a group or host; where both have the name, the group gets it."""
        owner = self.groups.get(name) or self.hosts[name]
        owner.values[variable] = value


def _check_name(name: str, what: str) -> None:
    if not name.isprintable() or not name.strip():
        raise ValueError(f"{shown(name)} is no name of a {what}: it is empty or not printable")
    # It is a file's name too: host_vars/NAME.yml. With a slash in front Ansible looks for none.
    if name in {".", ".."} or "/" in name.lstrip("/"):
        raise ValueError(f"{shown(name)} is no name of a {what}: it would be a path")


class Family:
    """Who belongs to whom, once all files are read."""

    def __init__(self, tree: Tree, mistakes: Mistakes) -> None:
        self._groups = tree.groups
        self._parents: dict[str, set[str]] = {name: set() for name in tree.groups}
        for group in tree.groups.values():
            for child in group.children:
                self._parents[child].add(group.name)
        for name, parents in self._parents.items():
            if name != ALL and (not parents or name == UNGROUPED):
                parents.add(ALL)
        self._depths = self._measured(mistakes)
        self._direct = self._memberships(tree)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """Give a host's groups without `all`, in the order in which their variables are taken.

        A deeper group is taken later, and so wins; then a higher priority, then a later name.
        """
        found = self._above(self._direct[host]) - {ALL}
        return tuple(sorted(found, key=self._rank))

    def _rank(self, name: str) -> tuple[int, int, str]:
        return self._depths[name], self._groups[name].priority, name

    def _memberships(self, tree: Tree) -> dict[str, frozenset[str]]:
        direct: dict[str, set[str]] = {name: set() for name in tree.hosts}
        for group in tree.groups.values():
            for host in group.hosts:
                direct[host].add(group.name)
        return {name: frozenset(self._settled(groups)) for name, groups in direct.items()}

    def _settled(self, direct: set[str]) -> set[str]:
        """Leave `ungrouped` to those hosts that are in no other group."""
        if UNGROUPED in direct:
            grouped = self._above(frozenset(direct)) - {ALL, UNGROUPED}
            return direct - {UNGROUPED} if grouped else direct
        return direct | {UNGROUPED} if direct <= {ALL} else direct

    def _above(self, names: frozenset[str]) -> set[str]:
        """Give groups with all that they are in."""
        found, left = set(names), deque(names)
        while left:
            more = self._parents[left.popleft()] - found
            found |= more
            left.extend(more)
        return found

    def _measured(self, mistakes: Mistakes) -> dict[str, int]:
        """Give each group's depth: the longest way to it from `all`."""
        waiting = {name: len(parents) for name, parents in self._parents.items()}
        depths = dict.fromkeys(self._groups, 0)
        children: dict[str, list[str]] = {name: [] for name in self._groups}
        for name, parents in self._parents.items():
            for parent in parents:
                children[parent].append(name)
        free = deque(name for name, count in waiting.items() if not count)
        while free:
            name = free.popleft()
            for child in children[name]:
                depths[child] = max(depths[child], depths[name] + 1)
                waiting[child] -= 1
                if not waiting[child]:
                    free.append(child)
        self._refuse_circles({name for name, count in waiting.items() if count}, mistakes)
        deep = next((name for name, depth in depths.items() if depth > LIMIT_DEPTH), None)
        place = self._groups[deep].place if deep else None
        if place:
            mistakes.add(place, "", f"groups lie in each other more than {LIMIT_DEPTH} levels deep")
        mistakes.raise_any()
        return depths

    def _refuse_circles(self, left: set[str], mistakes: Mistakes) -> None:
        """Tell one circle, by where each of its groups was put into the next."""
        if not left:
            return
        name, seen = min(left), dict[str, str]()
        while name not in seen:  # upwards, where every group that is left has a parent that is
            seen[name] = min(self._parents[name] & left)
            name = seen[name]
        for child, parent in islice(_circle(seen, name), SHOWN):
            place = self._groups[parent].children.get(child)
            if place:
                text = f"{shown(child)} in {shown(parent)} closes a circle of groups"
                mistakes.add(place, "", text)


def _circle(parents: dict[str, str], start: str) -> Iterator[tuple[str, str]]:
    name = start
    while True:
        yield name, parents[name]
        name = parents[name]
        if name == start:
            return
