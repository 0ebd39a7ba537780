"""Playbook + node + facts to a plan: pure, deterministic, an undefined variable is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from yaml.nodes import Node as YamlNode
from yaml.nodes import ScalarNode, SequenceNode

from wincnode.errors import ConfigError
from wincnode.inventory import Inventory, Node, marks
from wincnode.inventory.marks import Mistakes
from wincnode.node.kinds import SECRET, Kind, Value, all_kinds, problems, split
from wincnode.plan import Plan, Step
from wincnode.rendering import CannotRender, Renderer
from wincnode.secrets import FORMS, Source, source_of

OPTIONS = ("name", "when", "each", "timeout_s")
# A word without `=`: secrets travel as NAME=TEXT.
WORD = r"[!-<>-~]+"
LONGEST_STEP_S = 4 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A step as the playbook has it, its values not rendered yet.

    Args: each: an expression for a list; the step is taken for each of its items, as `item`.
    """

    line: int
    number: int
    kind: Kind
    title: str
    values: Mapping[str, Value]
    lines: Mapping[str, int]
    when: str = ""
    each: str = ""
    timeout_s: int = 60

    def where(self, field: str = "") -> str:
        """Name the step, and a field of it, as errors do."""
        return f"step {self.number} ({self.title})" + (f": {self.kind.name}.{field}" * bool(field))


@dataclass(frozen=True, kw_only=True, slots=True)
class Playbook:
    """A file of steps; `vars` are rendered in their order, each sees those before it."""

    path: Path
    name: str
    variables: Mapping[str, Value]
    lines: Mapping[str, int]
    tasks: tuple[Task, ...]


def load(path: Path) -> Playbook:
    """Read and validate a playbook.

    Raises: ConfigError: everything that is wrong with it, a line each.
    """
    return parse(marks.read_text(path), path)


def parse(text: str, path: Path) -> Playbook:
    """Validate a playbook's text; what is templated is judged when it is rendered."""
    mistakes = Mistakes(path)
    root = marks.compose(text, path)
    if root is None:
        raise ConfigError(f"{path}: empty; it takes name, vars and steps")
    found = marks.entries(root, "", mistakes)
    marks.refuse_unknown(found, ("name", "vars", "steps"), "", mistakes)
    variables = marks.entries(found["vars"][1], "vars", mistakes) if "vars" in found else {}
    tasks = _tasks(found["steps"][1], mistakes) if "steps" in found else ()
    if "steps" not in found:
        mistakes.add(root, "steps", "missing; a list of steps")
    mistakes.raise_any()
    return Playbook(
        path=path,
        name=str(marks.plain(found["name"][1])) if "name" in found else path.stem,
        variables={name: _plain(value) for name, (_, value) in variables.items()},
        lines={name: marks.line_of(key) for name, (key, _) in variables.items()},
        tasks=tasks,
    )


def _plain(node: YamlNode) -> Value:
    return cast("Value", marks.plain(node))


def _tasks(at: YamlNode, mistakes: Mistakes) -> tuple[Task, ...]:
    if not isinstance(at, SequenceNode):
        mistakes.add(at, "steps", f"is {marks.describe(at)}; it takes a list")
        return ()
    if not at.value:
        mistakes.add(at, "steps", "is an empty list; it takes at least one step")
    kinds = all_kinds()
    tasks = [_task(item, number, kinds, mistakes) for number, item in enumerate(at.value, start=1)]
    return tuple(task for task in tasks if task is not None)


def _task(at: YamlNode, number: int, kinds: Mapping[str, Kind], mistakes: Mistakes) -> Task | None:
    where = f"step {number}"
    found = marks.entries(at, where, mistakes)
    named = [word for word in found if word in kinds]
    for word in found.keys() - {*kinds, *OPTIONS}:
        hint = marks.nearest(word, (*kinds, *OPTIONS))
        mistakes.add(found[word][0], f"{where}: {word}", f"unknown; {hint}")
    if len(named) != 1:
        mistakes.add(at, where, f"takes exactly one of {', '.join(kinds)}")
        return None
    kind = kinds[named[0]]
    title = _text(found, "name", where, mistakes)
    fields = marks.entries(found[kind.name][1], f"{where}: {kind.name}", mistakes)
    values = {name: _plain(value) for name, (_, value) in fields.items()}
    task = Task(
        line=marks.line_of(found[kind.name][0]),
        number=number,
        kind=kind,
        title=title or _title(kind, values),
        values=values,
        lines={name: marks.line_of(key) for name, (key, _) in fields.items()},
        when=_text(found, "when", where, mistakes),
        each=_text(found, "each", where, mistakes),
        timeout_s=_timeout(found, kind, where, mistakes),
    )
    _validate(task, mistakes)
    return task


def _text(
    found: Mapping[str, tuple[YamlNode, YamlNode]], option: str, where: str, mistakes: Mistakes
) -> str:
    if option not in found:
        return ""
    at = found[option][1]
    if isinstance(at, ScalarNode):
        return str(at.value)
    mistakes.add(at, f"{where}: {option}", f"is {marks.describe(at)}; it takes text")
    return ""


def _title(kind: Kind, values: Mapping[str, Value]) -> str:
    keys = [
        str(values[row.name]) for row in kind.fields if row.role == "key" and row.name in values
    ]
    return " ".join([kind.name, *keys])


def _timeout(
    found: Mapping[str, tuple[YamlNode, YamlNode]], kind: Kind, where: str, mistakes: Mistakes
) -> int:
    if "timeout_s" not in found:
        return kind.timeout_s
    value = marks.plain(found["timeout_s"][1])
    if type(value) is int and 1 <= value <= LONGEST_STEP_S:
        return value
    problem = f"is {value!r}; a number from 1 to {LONGEST_STEP_S}"
    mistakes.add(found["timeout_s"][0], f"{where}: timeout_s", problem)
    return kind.timeout_s


def _validate(task: Task, mistakes: Mistakes) -> None:
    """Judge what is not templated; a template stands for a value that fits."""
    values = {name: _with_reference(task, name, mistakes) for name in task.values}
    for field, problem in problems(task.kind, values):
        if field not in values or not _is_template(values[field]):
            mistakes.add(task.lines.get(field, task.line), task.where(field), problem)


def _with_reference(task: Task, field: str, mistakes: Mistakes) -> Value:
    value = task.values[field]
    if not isinstance(value, dict) or set(value) != {"secret"}:
        return value
    try:
        _secret(value["secret"], "")
    except ConfigError as err:
        mistakes.add(task.lines[field], task.where(field), err.message)
    return _secret_value(task.kind, field, field)


def _is_template(value: Value) -> bool:
    if isinstance(value, list):
        return any(_is_template(item) for item in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _secret(value: Value, own_name: str) -> tuple[str, Source | None]:
    """Give a secret's name in the plan and its source; a named one is the caller's to give."""
    match value:
        case {"name": str() as name, **rest} if re.fullmatch(WORD, name) and not rest:
            return name, None
        case {"name": _}:
            raise ConfigError(f"a secret is given as {{name: WORD}} (ASCII without `=`), {FORMS}")
    return own_name, source_of(value)


def render(
    playbooks: Sequence[Playbook],
    node: Node,
    *,
    facts: Mapping[str, Any],
    inventory: Inventory,
    more: Mapping[str, Any] | None = None,
) -> Plan:
    """Render the plan of one node, the steps of one playbook behind those of the other.

    The same arguments always give the same plan.

    Args:
        facts: sections of facts by name, as the node reported them.
        more: further variables that the playbooks see.
    Raises: ConfigError: undefined variables and values that do not fit, a line each.
    """
    scope = {"node": node, "facts": facts, "inventory": inventory, **(more or {})}
    steps: list[Step] = []
    secrets: dict[str, Source] = {}
    before = 0
    for playbook in playbooks:
        plan = _rendered(playbook, node, scope, before=before)
        before += len(playbook.tasks)
        steps += plan.steps
        secrets |= plan.secrets
    return Plan(node=node.name, steps=tuple(steps), secrets=MappingProxyType(secrets))


def _rendered(playbook: Playbook, node: Node, shared: Mapping[str, Any], *, before: int) -> Plan:
    """Render one playbook, whose steps come behind others."""
    mistakes = Mistakes(playbook.path)
    renderer = Renderer()
    scope = dict(shared)
    for name, value in playbook.variables.items():
        try:
            scope[name] = renderer.value(value, scope)
        except CannotRender as err:
            mistakes.add(playbook.lines[name], f"vars.{name}", str(err))
    mistakes.raise_any()  # else each step would repeat what is wrong with a variable
    steps: list[Step] = []
    secrets: dict[str, Source] = {}
    for task in playbook.tasks:
        for part, inner in _scopes(task, renderer, scope, mistakes):
            if _applies(task, renderer, inner, mistakes):
                number = f"{before + task.number}{part}"
                step, own = _step(task, number, renderer, inner, mistakes)
                steps.append(step)
                secrets |= own
    mistakes.raise_any()
    return Plan(node=node.name, steps=tuple(steps), secrets=MappingProxyType(secrets))


def _scopes(
    task: Task, renderer: Renderer, scope: Mapping[str, Any], mistakes: Mistakes
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what the step sees each time that it is taken, and what its number ends with."""
    if not task.each:
        yield "", scope
        return
    try:
        items = renderer.expression(task.each, scope)
    except CannotRender as err:
        mistakes.add(task.line, f"{task.where()}: each", str(err))
        return
    if not isinstance(items, list):
        problem = f"gives {type(items).__name__}; it takes a list"
        mistakes.add(task.line, f"{task.where()}: each", problem)
        return
    for number, item in enumerate(items, start=1):
        yield f".{number}", {**scope, "item": item}


def _applies(task: Task, renderer: Renderer, scope: Mapping[str, Any], mistakes: Mistakes) -> bool:
    if not task.when:
        return True
    try:
        verdict = renderer.expression(task.when, scope)
    except CannotRender as err:
        mistakes.add(task.line, f"{task.where()}: when", str(err))
        return False
    if not isinstance(verdict, bool):
        problem = f"gives {type(verdict).__name__}; it takes a condition that is true or false"
        mistakes.add(task.line, f"{task.where()}: when", problem)
    return verdict is True


def _step(
    task: Task, number: str, renderer: Renderer, scope: Mapping[str, Any], mistakes: Mistakes
) -> tuple[Step, dict[str, Source]]:
    title = _rendered_title(task, renderer, scope, mistakes)
    id = f"{number}-{_slug(title)}"
    values: dict[str, Value] = {}
    secrets: dict[str, Source] = {}
    for field, value in task.values.items():
        if isinstance(value, dict) and set(value) == {"secret"}:
            name, source = _secret(value["secret"], f"{id}.{field}")
            values[field] = _secret_value(task.kind, field, name)
            if source is not None:
                secrets[name] = _placed(source, task, field, mistakes.path)
            continue
        try:
            values[field] = renderer.value(value, scope)
        except CannotRender as err:
            mistakes.add(task.lines[field], task.where(field), str(err))
    for field, problem in problems(task.kind, values):
        if field in values or field not in task.values:
            mistakes.add(task.lines.get(field, task.line), task.where(field), problem)
    key, want = split(task.kind, values)
    step = Step(
        id=id, kind=task.kind.name, title=title, key=key, want=want, timeout_s=task.timeout_s
    )
    return step, secrets


def _secret_value(kind: Kind, field: str, name: str) -> Value:
    """Name a secret as the value of a field; in a field of several texts it is the only one."""
    several = any(row.name == field and row.type == "texts" for row in kind.fields)
    return [{SECRET: name}] if several else {SECRET: name}


def _placed(source: Source, task: Task, field: str, playbook: Path) -> Source:
    """Give a source with its path from the playbook's folder; a prompt says where it stands."""
    if source.kind == "file":
        return Source(kind="file", argument=(marks.beside(source.argument[0], playbook),))
    if source.kind != "prompt":
        return source
    place = f"{playbook}:{task.lines[field]}: {task.where(field)}"
    return Source(kind="prompt", argument=(place,))


def prompts(playbook: Playbook) -> tuple[Source, ...]:
    """List the secrets that somebody must be asked for, as the plans will name them."""
    return tuple(
        _placed(Source(kind="prompt"), task, field, playbook.path)
        for task in playbook.tasks
        for field, value in task.values.items()
        if value == {"secret": {"prompt": True}}
    )


def _rendered_title(
    task: Task, renderer: Renderer, scope: Mapping[str, Any], mistakes: Mistakes
) -> str:
    try:
        return str(renderer.value(task.title, scope))
    except CannotRender as err:
        mistakes.add(task.line, f"{task.where()}: name", str(err))
        return task.title


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "step"
