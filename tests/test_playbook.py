"""Playbooks: rendered to plans, with every mistake at its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wincnode import inventory as inventories
from wincnode import plan as plans
from wincnode.errors import ConfigError
from wincnode.events import StepFinished
from wincnode.plan import Plan
from wincnode.playbook import parse, prompts, render
from wincnode.secrets import Source

PATH = Path("/books/install.yaml")
INVENTORY = inventories.parse(
    "cluster: {pod_cidr: 10.244.0.0/16}\n"
    "connection: {user: u, password: {env: P}}\n"
    "nodes: {win1: {labels: {tier: web}, groups: [a, b]}}\n",
    Path("/books/wincnode.yaml"),
)
FACTS = {"os": {"build": 20348, "hyperv": False}}


def plan_of(text: str) -> Plan:
    """Render a playbook for the one node."""
    return render([parse(text, PATH)], INVENTORY.nodes[0], facts=FACTS, inventory=INVENTORY)


def mistakes_of(text: str) -> list[str]:
    """Give the mistakes of a playbook, found when it is read or when it is rendered."""
    with pytest.raises(ConfigError) as caught:
        plan_of(text)
    return caught.value.message.splitlines()


def test_values_are_rendered_from_vars_node_facts_and_inventory() -> None:
    """A variable sees those before it; text around an expression stays text."""
    plan = plan_of(
        "name: install\n"
        "vars: {root: 'C:\\k', logs: '{{ root }}\\logs'}\n"
        "steps:\n"
        "  - name: logs of {{ node.name }}\n"
        "    directory: {path: '{{ logs }}'}\n"
        "  - file:\n"
        "      path: '{{ root }}\\info.txt'\n"
        "      content: '{{ facts.os.build }} {{ inventory.cluster.pod_cidr }} {{ node.name }}'\n"
    )
    first, second = plan.steps
    assert (first.id, first.title) == ("1-logs-of-win1", "logs of win1")
    assert first.key == {"path": "C:\\k\\logs"}
    assert first.want == {"state": "present"}
    assert second.want["content"] == "20348 10.244.0.0/16 win1"


def test_single_expression_keeps_its_type() -> None:
    """A list stays a list and a number a number, so that they fit their fields."""
    plan = plan_of(
        "vars: {wait: 5}\n"
        "steps:\n"
        "  - service: {name: x, depends_on: '{{ node.groups }}', restart_after_s: '{{ wait*2 }}'}\n"
    )
    assert plan.steps[0].want["depends_on"] == ["a", "b"]
    assert plan.steps[0].want["restart_after_s"] == 10


def test_undefined_variables_name_file_line_step_and_field() -> None:
    """All of them at once."""
    rows = mistakes_of(
        "steps:\n"
        "  - name: k\n"
        "    directory:\n"
        "      path: '{{ rot }}\\k'\n"
        "  - file: {path: 'C:\\x', content: '{{ facts.nope.build }}'}\n"
    )
    assert rows == [
        f"{PATH}:4: step 1 (k): directory.path: 'rot' is undefined",
        f"{PATH}:5: step 2 (file C:\\x): file.content: 'dict object' has no attribute 'nope'",
    ]


def test_undefined_variable_in_vars_is_told_once() -> None:
    """Steps that use the variable do not repeat it."""
    rows = mistakes_of("vars:\n  a: '{{ nope }}'\nsteps:\n  - directory: {path: '{{ a }}'}\n")
    assert rows == [f"{PATH}:2: vars.a: 'nope' is undefined"]


def test_rendered_value_must_fit_its_field() -> None:
    """What the template gave is judged like what was written."""
    rows = mistakes_of("vars: {p: k}\nsteps:\n  - {name: k, directory: {path: '{{ p }}'}}\n")
    assert rows == [
        f"{PATH}:3: step 1 (k): directory.path: is 'k'; it takes a full path such as C:\\k, of at most 220 characters",
    ]


def test_mistakes_of_a_playbook_come_at_once() -> None:
    """Unknown keys, kinds and fields, missing fields, wrong values."""
    rows = mistakes_of(
        "nam: x\n"
        "steps:\n"
        "  - directry: {path: 'C:\\k'}\n"
        "  - directory: {pth: x}\n"
        "  - directory: {path: 'C:\\k', state: gone}\n"
        "    timeout_s: soon\n"
    )
    assert [row.split(": ", 1)[0] for row in rows] == [f"{PATH}:{n}" for n in (1, 3, 3, 4, 4, 5, 6)]
    assert rows[0].endswith("nam: unknown; did you mean name?")
    assert rows[1].endswith("directry: unknown; did you mean directory?")
    assert "takes exactly one of" in rows[2]


def test_when_leaves_a_step_out_and_must_be_a_condition() -> None:
    """A condition on facts; text or an undefined name is a mistake."""
    plan = plan_of(
        "steps:\n"
        "  - {directory: {path: 'C:\\a'}, when: facts.os.build >= 20348}\n"
        "  - {directory: {path: 'C:\\b'}, when: facts.os.hyperv}\n"
        "  - {directory: {path: 'C:\\c'}, when: true}\n"
    )
    assert [step.id for step in plan.steps] == ["1-directory-c-a", "3-directory-c-c"]
    (row,) = mistakes_of("steps:\n  - {directory: {path: 'C:\\a'}, when: facts.os.build}\n")
    assert "when: gives int; it takes a condition" in row
    (row,) = mistakes_of("steps:\n  - {directory: {path: 'C:\\a'}, when: facts.x}\n")
    assert row.endswith("when: 'dict object' has no attribute 'x'")


def test_secrets_become_references_and_their_sources_stay_apart() -> None:
    """The plan names its secrets; only the caller fetches them."""
    plan = plan_of(
        "steps:\n"
        "  - {name: key, file: {path: 'C:\\k\\key', content: {secret: {file: key.pem}}}}\n"
        "  - {name: token, file: {path: 'C:\\k\\token', content: {secret: {name: join_token}}}}\n"
    )
    assert plan.steps[0].want["content"] == {"$secret": "1-key.content"}
    assert plan.steps[1].want["content"] == {"$secret": "join_token"}
    assert plan.secrets == {"1-key.content": Source(kind="file", argument=("/books/key.pem",))}
    assert plans.secret_names(plan) == ("1-key.content", "join_token")


def test_a_secret_is_the_one_item_of_a_field_of_several_texts() -> None:
    """A registry value and a service's variables may be secrets, too."""
    plan = plan_of(
        "steps:\n"
        "  - registry_value: {path: 'HKLM:\\S', name: x, value: {secret: {env: A}}}\n"
        "  - {name: s, service: {name: s, environment: {secret: {env: B}}}}\n"
    )
    assert plan.steps[0].want["value"] == [{"$secret": "1-registry-value-hklm-s-x.value"}]
    assert plan.steps[1].want["environment"] == [{"$secret": "2-s.environment"}]


def test_a_carriage_return_arrives_or_is_refused() -> None:
    """Jinja2 makes a line feed of it; a text without a template never goes there."""
    step = "steps:\n  - {{name: f, file: {{path: 'C:\\k', content: {}}}}}\n"
    assert plan_of(step.format(r'"a\r\nb\r"')).steps[0].want["content"] == "a\r\nb\r"
    written = "'{{ node.name }}{{ \"\\r\\n\" }}'"
    assert plan_of(step.format(written)).steps[0].want["content"] == "win1\r\n"
    (row,) = mistakes_of(step.format(r'"{{ node.name }}\r\n"'))
    assert "file.content: has a carriage return beside a template" in row


def test_inline_secret_is_refused_without_repeating_it() -> None:
    """A playbook is committed; no secret may stand in it."""
    (row,) = mistakes_of("steps:\n  - file: {path: 'C:\\k', content: {secret: hunter2}}\n")
    assert "file.content: a secret is given as" in row
    assert "hunter2" not in row


def test_wire_form_is_the_contract() -> None:
    """Plain JSON with the kinds in use and how they compare."""
    plan = plan_of("steps:\n  - {name: K dir!, directory: {path: 'C:\\k'}, timeout_s: 90}\n")
    wire = plans.to_wire(plan, run="0" * 32, mode="check", who={"operator": "ops"})
    assert json.loads(json.dumps(wire)) == {
        "protocol": 1,
        "run": "0" * 32,
        "node": "win1",
        "mode": "check",
        "who": {"operator": "ops"},
        "facts": [],
        "kinds": {
            "directory": {"compare": {"state": "exact", "sddl": "exact"}, "detached_only": False}
        },
        "steps": [
            {
                "id": "1-k-dir",
                "kind": "directory",
                "key": {"path": "C:\\k"},
                "want": {"state": "present"},
                "timeout_s": 90,
            }
        ],
    }


def finished(step: str, outcome: str, *diff: tuple[str, Any, Any]) -> StepFinished:
    """Give what a node says of a step in mode `check`."""
    return StepFinished(step=step, outcome=outcome, diff=diff, error="", elapsed_ms=1)


def test_plan_for_the_reader_shows_what_differs_and_what_stays() -> None:
    """A step that is as wanted takes no line of its own; a title names its object."""
    plan = plan_of(
        "steps:\n"
        "  - {name: programs, directory: {path: 'C:\\k'}}\n"
        "  - directory: {path: 'C:\\l'}\n"
        "  - registry_value: {path: 'HKLM:\\S', name: x, type: DWord, value: ['1']}\n"
        "  - file: {path: 'C:\\x', state: absent}\n"
        "  - wait_for: {subject: port, name: '10250'}\n"
    )
    ids = [step.id for step in plan.steps]
    lines = plans.render(
        plan,
        [
            finished(ids[0], "would_change", ("state", "absent", "present")),
            finished(ids[1], "ok"),
            finished(ids[2], "would_change", ("value", ["0"], ["1"])),
            finished(ids[3], "would_change", ("state", "present", "absent")),
            finished(ids[4], "would_change", ("state", "absent", "present")),
        ],
    )
    assert [text for _, text in lines] == [
        "  + create 1 programs (directory C:\\k)",
        "  ~ change 3 registry_value HKLM:\\S x",
        '      value: ["0"] -> ["1"]',
        "  - remove 4 file C:\\x",
        "  ~ wait 5 wait_for port 10250",
        "  = as wanted already: 2 directory C:\\l",
    ]


def test_differences_of_a_secret_are_hidden_whatever_the_node_says() -> None:
    """A node that forgets to mask cannot put a secret into a report."""
    plan = plan_of(
        "steps:\n  - {name: t, file: {path: 'C:\\t', content: {secret: {name: join_token}}}}\n"
    )
    event = finished("1-t", "would_change", ("content", "old", "hunter2"), ("state", "a", "b"))
    assert plans.masked(plan, event).diff == (("content", "***", "***"), ("state", "a", "b"))


def test_each_prompt_of_a_playbook_is_asked_for_on_its_own() -> None:
    """Two prompts are two secrets; the plans name them as they are asked for."""
    book = parse(
        "steps:\n"
        "  - {name: a, file: {path: 'C:/a', content: {secret: {prompt: true}}}}\n"
        "  - {name: b, file: {path: 'C:/b', content: {secret: {prompt: true}}}}\n",
        PATH,
    )
    plan = render([book], INVENTORY.nodes[0], facts=FACTS, inventory=INVENTORY)
    assert tuple(plan.secrets.values()) == prompts(book)
    assert [source.argument for source in prompts(book)] == [
        (f"{PATH}:2: step 1 (a): file.content",),
        (f"{PATH}:3: step 2 (b): file.content",),
    ]


def test_rendering_is_deterministic() -> None:
    """The same arguments give the same plan."""
    text = "steps:\n  - directory: {path: 'C:\\{{ node.name }}'}\n"
    assert plan_of(text) == plan_of(text)


@pytest.mark.parametrize(
    "template",
    [
        "{{ node.__class__.__mro__ }}",
        "{{ ''.__class__ }} x",
        "{{ facts.update({'a': 1}) }}",
        "{{ 1 / 0 }}",
        "{{ range(1000000000) | list }}",
        "{{ unclosed",
        "{% for %}",
        "{{ node }}",
        "{{ include }}",
        "{{ 5 | dictsort }}",
        "x{{ none | xmlattr }}",
        "{{ cycler() }}",
        "{{ 1e308 * 10 }}",
        "{{ 'a' * 10 ** 15 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_template_that_reaches_out_or_breaks_is_a_config_error(template: str) -> None:
    """The sandbox holds, and every failure is told at its line."""
    (row,) = mistakes_of(f'steps:\n  - file: {{path: "C:/x", content: "{template}"}}\n')
    assert row.startswith(f"{PATH}:2: step 1 (file C:/x): file.content: ")


def test_facts_are_never_templates() -> None:
    """What a node reported is a value, even where it looks like a template."""
    book = parse("steps:\n  - file: {path: 'C:\\x', content: '{{ facts.name }}'}\n", PATH)
    node = INVENTORY.nodes[0]
    plan = render([book], node, facts={"name": "{{ 7 * 7 }}"}, inventory=INVENTORY)
    assert plan.steps[0].want["content"] == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "steps: {}",
        "steps: []",
        "[]",
        "steps: [a]",
        "name: x",
        "steps: [{file: {path: 'C:/x'}, when: [a]}]",
        "steps: [{file: [a]}]",
        "vars: [a]",
    ],
)
def test_what_is_no_playbook_is_a_config_error(text: str) -> None:
    """The answer is a ConfigError whatever the file holds."""
    assert mistakes_of(text)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("name: x", 1, "steps: missing; a list of steps"),
        ("name: x\nsteps:", 2, "steps: is empty; it takes a list"),
        ("name: x\nsteps: []", 2, "steps: is an empty list; it takes at least one step"),
        (
            "steps:\n  - directory: {path: 'C:\\k'}\n    timeout_s: true",
            3,
            "step 1: timeout_s: is True; a number from 1 to 14400",
        ),
    ],
)
def test_what_steps_lack_is_told_once(text: str, line: int, problem: str) -> None:
    """Steps that are there, and wrong, are not called missing as well."""
    assert mistakes_of(text) == [f"{PATH}:{line}: {problem}"]
    assert not [row for row in mistakes_of("steps:\n  - {}\n") if "missing" in row]


def test_fields_that_do_not_go_together_are_told_with_the_other_mistakes() -> None:
    """All at once, at their lines, before any network is touched."""
    rows = mistakes_of(
        "steps:\n"
        "  - file: {path: '{{ nope }}'}\n"
        "  - environment:\n"
        "      name: X\n"
        "      value: a\n"
        "      entries: [b]\n"
        "  - directry: {}\n"
    )
    assert [row.split(": ", 1)[0] for row in rows] == [f"{PATH}:{n}" for n in (2, 6, 7, 7)]
    assert rows[0].endswith("file.content: missing; it takes text where state is present")


def test_templated_fields_are_judged_together_once_they_are_rendered() -> None:
    """What a template stands for is not known before; then it is held to the same rules."""
    text = (
        "vars: {type: DWord, state: present}\n"
        "steps:\n"
        "  - registry_value: {path: 'HKLM:\\S', name: x, type: '{{ type }}', value: ['{{ v }}']}\n"
        "  - file: {path: 'C:\\k', state: '{{ state }}'}\n"
    )
    parse(text, PATH)
    rows = mistakes_of(text.replace("type: DWord", "v: many, type: DWord"))
    assert [row.split(" ", 1)[0] for row in rows] == [f"{PATH}:3:", f"{PATH}:4:"]
    assert "a number from 0 to 4294967295" in rows[0]
    assert "content: missing" in rows[1]


def test_a_step_is_taken_for_each_item_of_a_list() -> None:
    """Each has its own number; `when` is asked for each item."""
    text = """
vars: {names: [a, b, c]}
steps:
  - name: file {{ item }}
    each: names
    when: item != 'b'
    file: {path: 'C:\\k\\{{ item }}', content: "{{ item }}"}
"""
    steps = plan_of(text).steps

    assert [step.id for step in steps] == ["1.1-file-a", "1.3-file-c"]
    assert [step.want["content"] for step in steps] == ["a", "c"]


@pytest.mark.parametrize(
    ("each", "problem"),
    [("node.name", "gives str; it takes a list"), ("nothing", "'nothing' is undefined")],
)
def test_each_takes_a_list(each: str, problem: str) -> None:
    """A text would be taken letter by letter."""
    with pytest.raises(ConfigError, match=f"each: {problem}"):
        plan_of(f"steps:\n  - file: {{path: 'C:\\k', content: x}}\n    each: {each}\n")
