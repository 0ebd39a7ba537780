"""Programs: their JSON, what they give back at their end, and what is refused before sending."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from wincnode.errors import WincnodeError
from wincnode.hcs import rules
from wincnode.hcs.calls import ACTIONS, Action, takes
from wincnode.hcs.compute_calls import (
    ProcessCreate,
    ProcessFinished,
    SystemCreate,
    SystemExited,
    SystemModify,
    SystemOpen,
    SystemProperties,
    SystemShutdown,
    SystemStart,
    SystemTerminate,
)
from wincnode.hcs.endings import with_ending
from wincnode.hcs.program import Call, Program, from_json, to_json
from wincnode.hcs.references import Layers, Ref, join, ref
from wincnode.hcs.storage_calls import (
    FileRead,
    FileWrite,
    FolderCreate,
    HiveEmpty,
    ImageLayers,
    LayerActivate,
    LayerDestroy,
    LayerPrepare,
    LayerScratch,
    LayerVolume,
    VmGrant,
)

DOCUMENT = {"Owner": "wincnode", "ShouldTerminateOnLastHandleClosed": True}


def call(id: str, action: Action, **more: Any) -> Call:
    return Call(id=id, action=action, **more)


FOLDER = call("folder", FolderCreate(path="one"))
SCRATCH = join(ref("folder.path"), "\\scratch")
IMAGE = call("image", ImageLayers(runtime="containerd", image="a/b:c"))
LAYER = (
    IMAGE,
    FOLDER,
    call("scratch", LayerScratch(path=SCRATCH, parents=ref("image.parents"))),
    call("disk", LayerActivate(path=SCRATCH)),
    call("filter", LayerPrepare(path=SCRATCH, parents=ref("image.parents"))),
    call("mount", LayerVolume(path=SCRATCH)),
)
CREATE = call("box", SystemCreate(id="box", document=DOCUMENT))
START = call("start", SystemStart(system=ref("box")))
RUN = call("run", ProcessCreate(system=ref("box"), parameters={"CommandLine": "x"}))
DONE = call("done", ProcessFinished(process=ref("run")))
WHOLE = with_ending([*LAYER, CREATE, START, RUN, DONE])


def broken(program: Program) -> list[tuple[str, str]]:
    return [(row.call, row.rule) for row in rules.problems(program)]


def test_a_whole_program_breaks_no_rule_and_survives_its_json() -> None:
    assert broken(WHOLE) == []
    assert from_json(json.dumps(to_json(WHOLE))) == WHOLE
    assert rules.checked(WHOLE) is WHOLE


def test_the_end_gives_back_in_reverse_order() -> None:
    assert [one.action.do for one in WHOLE.ending] == [
        "process.close",
        "system.terminate",
        "system.exited",
        "system.close",
        "layer.unprepare",
        "layer.deactivate",
        "layer.destroy",
        "folder.remove",
    ]
    assert all(one.undoes for one in WHOLE.ending)


@pytest.mark.parametrize("at", range(len(WHOLE.ending)))
def test_an_end_that_forgets_one_call_is_refused_but_for_the_wait(at: int) -> None:
    """Waiting for the exit gives nothing back; the close after it ends the system as well."""
    ending = WHOLE.ending[:at] + WHOLE.ending[at + 1 :]
    found = broken(replace(WHOLE, ending=ending))

    forgotten = WHOLE.ending[at]
    assert bool(found) == (forgotten.action.do != "system.exited")
    assert not found or (forgotten.undoes, "release") in found


def test_two_resources_given_back_in_the_order_of_acquiring_are_refused() -> None:
    *others, destroy, remove = WHOLE.ending

    found = broken(replace(WHOLE, ending=(*others, remove, destroy)))

    assert found == [("folder_remove", "release")]


def test_calls_that_a_state_forbids_are_refused_by_name() -> None:
    early = with_ending([CREATE, RUN])
    twice = with_ending([CREATE, START, call("again", SystemStart(system=ref("box")))])
    dead = with_ending(
        [
            CREATE,
            START,
            call("kill", SystemTerminate(system=ref("box"))),
            call("change", SystemModify(system=ref("box"), request={})),
        ]
    )
    waiting = with_ending([CREATE, call("wait", SystemExited(system=ref("box")))])

    assert broken(early) == [("run", "state")]
    assert broken(twice) == [("again", "state")]
    assert broken(dead) == [("change", "state")]
    assert broken(waiting) == [("wait", "state")]
    assert "0x80370110" in str(rules.problems(dead)[0])
    with pytest.raises(WincnodeError, match=r"call run: state: process.create on a system"):
        rules.checked(early)


def test_what_follows_a_shutdown_counts_with_both_of_its_ends() -> None:
    """A shutdown is a request: afterwards the system may run or be gone."""
    down = call("down", SystemShutdown(system=ref("box")))
    gone = with_ending([CREATE, START, down, call("gone", SystemExited(system=ref("box")))])
    again = with_ending([CREATE, START, down, call("down2", SystemShutdown(system=ref("box")))])

    assert broken(gone) == []
    assert broken(again) == [("down2", "state")]


def test_the_end_accepts_what_a_system_that_is_gone_answers() -> None:
    """Its terminate may come after the exit, and says then that it was stopped."""
    plan = with_ending([CREATE, START, call("kill", SystemTerminate(system=ref("box")))])
    strict = replace(plan, ending=tuple(replace(one, accept=()) for one in plan.ending))

    assert broken(plan) == []
    assert broken(strict) == [("box_terminate", "state")]


def test_a_system_that_was_opened_may_be_in_any_state() -> None:
    plan = with_ending(
        [
            call("box", SystemOpen(id="other")),
            call("ask", SystemProperties(system=ref("box"), query={})),
            call("kill", SystemTerminate(system=ref("box"))),
        ]
    )

    assert broken(plan) == []
    assert [one.action.do for one in plan.ending] == ["system.close"]


def test_references_look_back_to_a_result_of_the_right_type() -> None:
    def of(action: Action) -> list[tuple[str, str]]:
        return broken(with_ending([*LAYER, CREATE, call("one", action)]))

    def document(value: Any) -> Action:
        return SystemModify(system=ref("box"), request={"Deep": [{"er": value}]})

    assert of(document(ref("mount.volume"))) == []
    assert of(document(join("a", ref("box.id")))) == []
    assert of(document(Layers(of=ref("image.parents")))) == []
    assert of(document(ref("later.volume"))) == [("one", "reference")]
    assert of(document(ref("one.volume"))) == [("one", "reference")]
    assert of(document(ref("mount.other"))) == [("one", "reference")]
    assert of(document(ref("mount"))) == [("one", "reference")]
    assert of(document(ref("box"))) == [("one", "reference")]
    assert of(document(join("a", ref("image.parents")))) == [("one", "reference")]
    assert of(document(Layers(of=ref("mount.volume")))) == [("one", "reference")]
    assert of(SystemStart(system=ref("mount.volume"))) == [("one", "reference")]
    assert of(ProcessFinished(process=ref("box"))) == [("one", "reference")]
    assert of(FileRead(path=ref("image.parents"))) == [("one", "reference")]


def test_arguments_of_another_type_are_refused() -> None:
    wrong: list[Action] = [
        FileRead(path="a", limit="4"),  # type: ignore[arg-type]
        FileRead(path="a", limit=True),
        FileRead(path=3),  # type: ignore[arg-type]
        SystemStart(system="box"),  # type: ignore[arg-type]
        SystemCreate(id="a", document=[]),  # type: ignore[arg-type]
        ImageLayers(runtime="docker", image="a", utility_vm=1),  # type: ignore[arg-type]
        LayerScratch(path=SCRATCH, parents=("a", 3)),  # type: ignore[arg-type]
    ]

    for action in wrong:
        assert broken(Program(calls=(FOLDER, call("one", action)))) == [("one", "argument")]


def test_files_are_written_into_own_folders_or_an_attached_volume() -> None:
    volume = join(ref("mount.volume"), "a.txt")
    own = FileWrite(path=join(ref("folder.path"), "\\a"), text="x")
    inside = FileWrite(path=volume, text="x")
    foreign = FileWrite(path="C:\\Windows\\a", text="x")
    joined = FileWrite(path=join("C:\\", ref("image.base")), text="x")
    hive = HiveEmpty(path=volume)

    assert broken(with_ending([*LAYER, call("one", own)])) == []
    assert broken(with_ending([*LAYER, call("one", inside)])) == []
    for action in (foreign, joined, hive):
        assert broken(with_ending([*LAYER, call("one", action)])) == [("one", "folder")]


@pytest.mark.parametrize("path", ["C:\\x", "..\\x", "a\\..\\x", "\\x", "", "a\\", "a/../x", "."])
def test_a_folder_stays_below_the_scratch_root(path: str) -> None:
    plan = with_ending([call("one", FolderCreate(path=path))])

    assert broken(plan) == [("one", "folder")]


def test_layers_are_made_attached_and_prepared_in_their_order() -> None:
    image, folder, scratch, disk, prepare, mount = LAYER

    assert broken(with_ending([image, folder, disk])) == [("disk", "layer")]
    assert broken(with_ending([image, folder, scratch, prepare])) == [("filter", "layer")]
    assert broken(with_ending([image, folder, scratch, mount])) == [("mount", "layer")]
    again = call("again", LayerActivate(path=SCRATCH))
    assert ("again", "layer") in broken(with_ending([image, folder, scratch, disk, again]))


def test_a_system_says_whose_it_is() -> None:
    def of(**document: Any) -> list[tuple[str, str]]:
        plan = with_ending([call("box", SystemCreate(id="b", document={**DOCUMENT, **document}))])
        return broken(plan)

    assert of(Owner="docker") == [("box", "owner")]
    assert of(ShouldTerminateOnLastHandleClosed=False) == [("box", "owner")]


def test_only_the_end_gives_back_and_accepts() -> None:
    early = call("early", LayerDestroy(path=SCRATCH))
    soft = replace(FOLDER, accept=(0x80070005,))

    assert ("early", "release") in broken(with_ending([*LAYER, early]))
    assert broken(with_ending([soft])) == [("folder", "finally")]
    late = replace(with_ending([FOLDER]), calls=())
    assert broken(late) == [("folder_remove", "reference"), ("folder_remove", "reference")]


def test_an_end_that_acquires_or_uses_a_closed_handle_is_refused() -> None:
    whole = with_ending([CREATE, START])
    more = call("ask", SystemProperties(system=ref("box"), query={}))
    grant = call("grant", VmGrant(vm="a", path="b"))

    assert broken(replace(whole, ending=(*whole.ending, more))) == [("ask", "state")]
    assert broken(replace(whole, ending=(grant, *whole.ending))) == [("grant", "finally")]


def test_names_and_limits() -> None:
    assert broken(with_ending([replace(FOLDER, limit_s=0)])) == [("folder", "limit")]
    assert broken(with_ending([replace(FOLDER, limit_s=601)])) == [("folder", "limit")]
    assert ("folder", "id") in broken(with_ending([FOLDER, FOLDER]))
    lost = with_ending([FOLDER])
    lost = replace(lost, ending=(replace(lost.ending[0], undoes="other"),))
    assert broken(lost) == [("folder_remove", "reference")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version 1"),
        ({"owner": ""}, "owner"),
        ({"calls": {}}, "calls is no list"),
        ({"more": 1}, "nothing else"),
        ({"calls": [{"do": "x"}]}, r"calls\[0\]: a call has an id"),
        ({"calls": [{"id": "a", "do": "x"}]}, "call 'a': lacks args, limit_s"),
        ({"calls": [{"id": "A", "do": "x", "limit_s": 1, "args": {}}]}, "small letters"),
        ({"calls": [{"id": "a", "do": "x", "limit_s": 1, "args": {}}]}, "no verb 'x'"),
        ({"calls": [{"id": "a", "do": [], "limit_s": 1, "args": {}}]}, r"no verb \[\]"),
        ({"calls": [{"id": "a", "do": "layer.id", "limit_s": True, "args": {}}]}, "limit_s"),
        ({"calls": [{"id": "a", "do": "layer.id", "limit_s": 1, "args": []}]}, "args is"),
        ({"calls": [{"id": "a", "do": "layer.id", "limit_s": 1, "args": {}}]}, "lacks path"),
        (
            {"calls": [{"id": "a", "do": "layer.id", "limit_s": 1, "args": {"p": 1}}]},
            "takes no 'p'",
        ),
        (
            {"calls": [{"id": "a", "do": "layer.id", "limit_s": 1, "args": {"path": {"$x": 1}}}]},
            "is no reference",
        ),
        (
            {
                "calls": [
                    {"id": "a", "do": "layer.id", "limit_s": 1, "args": {"path": {"$ref": "B.c"}}}
                ]
            },
            "call or call.field",
        ),
        (
            {
                "calls": [
                    {
                        "id": "a",
                        "do": "layer.id",
                        "limit_s": 1,
                        "args": {"path": {"$ref": "b", "c": 1}},
                    }
                ]
            },
            "beside other keys",
        ),
        (
            {
                "calls": [
                    {
                        "id": "a",
                        "do": "layer.id",
                        "limit_s": 1,
                        "args": {"path": "p"},
                        "accept": ["z"],
                    }
                ]
            },
            "HRESULTs",
        ),
        (
            {
                "calls": [
                    {"id": "a", "do": "layer.id", "limit_s": 1, "args": {"path": "p"}, "if": 1}
                ]
            },
            "unknown key 'if'",
        ),
    ],
)
def test_json_that_is_no_program_says_where_it_is_wrong(change: dict[str, Any], said: str) -> None:
    row = {"version": 1, "owner": "wincnode", "calls": [], "finally": [], **change}

    with pytest.raises(WincnodeError, match=said):
        from_json(json.dumps(row))


def test_text_that_is_no_json() -> None:
    with pytest.raises(WincnodeError, match="no JSON"):
        from_json("{")
    with pytest.raises(WincnodeError, match="nothing else"):
        from_json("[]")


def test_every_verb_knows_its_arguments() -> None:
    assert len(ACTIONS) == 36
    assert all(takes(action) for action in ACTIONS.values())


def test_joining_what_is_joined_makes_one_text() -> None:
    assert join(join("a", ref("b.c")), "d", "e") == join("a", Ref(call="b", field="c"), "de")
