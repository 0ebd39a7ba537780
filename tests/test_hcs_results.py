"""What Windows answers: read strictly, with the path of what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from wincnode.errors import BadReply
from wincnode.hcs.outcomes import outcome
from wincnode.hcs.results import (
    exit_status,
    process_status,
    properties,
    result_error,
    service,
    systems,
)

# What Windows answers on a host without a hypervisor, as public threads have it.
NO_HYPERVISOR = {
    "Error": -2143878910,
    "ErrorMessage": "The virtual machine could not be started because a required feature is not"
    " installed.",
    "ErrorEvents": [
        {
            "Message": "Cannot create system 'x' since Hyper-V is not installed on the host.",
            "Provider": "17103e3f-3c6e-4677-bb17-3b267eb5be57",
            "EventId": 11008,
            "Data": [{"Type": "String", "Value": "x"}, {"Type": "String", "Value": "0x80370102"}],
        }
    ],
    "Attribution": [],
}
SYSTEM = {
    "Id": "a",
    "SystemType": "Container",
    "State": "Running",
    "Owner": "docker",
    "RuntimeId": "b",
    "RuntimeOsType": "Windows",
    "Unheard": {"of": 1},
    "Statistics": {
        "Uptime100ns": 7,
        "Processor": {"TotalRuntime100ns": 3, "RuntimeUser100ns": 2},
        "Memory": {"MemoryUsageCommitBytes": 5},
    },
    "ProcessList": [{"ProcessId": 4, "ImageName": "cmd.exe"}],
}


def test_properties_of_a_system() -> None:
    found = properties(SYSTEM)

    assert (found.id, found.type, found.state, found.owner) == (
        "a",
        "Container",
        "Running",
        "docker",
    )
    assert found.statistics is not None
    assert found.statistics.processor.total_100ns == 3
    assert found.statistics.processor.kernel_100ns == 0
    assert found.statistics.commit_bytes == 5
    assert [row.image for row in found.processes] == ["cmd.exe"]
    assert properties({"Id": "a", "SystemType": "VirtualMachine"}).state == "Unknown"


def test_an_enumeration_of_nothing() -> None:
    assert systems(None) == systems([]) == systems("") == ()
    assert [row.id for row in systems([SYSTEM, SYSTEM])] == ["a", "a"]


def test_service_properties() -> None:
    answer = {
        "Properties": [
            {"SupportedSchemaVersions": [{"Major": 1, "Minor": 0}, {"Major": 2, "Minor": 5}]}
        ],
        "PropertyResponses": {
            "ProcessorCapabilities": {"Response": {"ProcessorFeatures": ["NestedVirt"]}}
        },
    }

    assert service(answer).newest == 5
    assert service(answer).features == ("NestedVirt",)
    assert service({"Properties": []}).newest == -1


def test_process_and_exit_status() -> None:
    ended = process_status({"ProcessId": 4, "Exited": True, "ExitCode": 1067})
    left = exit_status(
        {
            "Status": -2143878904,
            "ExitType": "ForcedExit",
            "Attribution": [{"SystemExit": {"Detail": "Terminate", "Initiator": "Client"}}, {}],
        }
    )

    assert (ended.exited, ended.exit_code) == (True, 1067)
    assert (left.status, left.initiators) == (0x80370108, ("Terminate by Client",))


def test_a_result_error_has_its_code_and_its_words_once() -> None:
    found = result_error(NO_HYPERVISOR)

    assert found.code == 0x80370102
    assert found.words.count("\n") == 1
    assert found.events[0].data == ("x", "0x80370102")
    assert result_error({**NO_HYPERVISOR, "ErrorEvents": None}).events == ()


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (properties, [], "Properties is [], not an object"),
        (properties, {"SystemType": "Container"}, "Properties.Id is missing"),
        (properties, {"Id": 3, "SystemType": "Container"}, "Properties.Id is 3, not a text"),
        (properties, {"Id": "a", "SystemType": "Pod"}, "Properties.SystemType is 'Pod', not one"),
        (properties, {**SYSTEM, "State": "Odd"}, "Properties.State is 'Odd'"),
        (properties, {**SYSTEM, "Stopped": 1}, "Properties.Stopped is 1, not true or false"),
        (properties, {**SYSTEM, "ProcessList": {}}, "Properties.ProcessList is {}, not a list"),
        (
            properties,
            {**SYSTEM, "ProcessList": [{"ProcessId": "4"}]},
            "Properties.ProcessList[0].ProcessId is '4', not a whole number",
        ),
        (systems, {}, "systems is {}, not a list"),
        (systems, [SYSTEM, 1], "systems[1] is 1, not an object"),
        (
            service,
            {"Properties": [{"SupportedSchemaVersions": [{"Major": 2}]}]},
            "ServiceProperties.Properties[0].SupportedSchemaVersions[0].Minor is missing",
        ),
        (
            service,
            {
                "PropertyResponses": {
                    "ProcessorCapabilities": {"Response": {"ProcessorFeatures": 1}}
                }
            },
            "ProcessorFeatures is 1, not a list",
        ),
        (
            service,
            {
                "PropertyResponses": {
                    "ProcessorCapabilities": {"Response": {"ProcessorFeatures": [1]}}
                }
            },
            "ProcessorFeatures[0] is 1, not a text",
        ),
        (process_status, {"Exited": "yes"}, "ProcessStatus.Exited is 'yes'"),
        (exit_status, {"Status": True}, "SystemExitStatus.Status is True"),
        (result_error, {"ErrorEvents": [3]}, "ResultError.ErrorEvents[0] is 3"),
        (outcome, {"version": 2}, "result.version is 2, not 1"),
        (outcome, {"version": 1, "calls": 3}, "result.calls is 3, not a list"),
        (
            outcome,
            {"version": 1, "calls": [{"id": "a", "do": "b", "status": "odd"}]},
            "result.calls[0].status is 'odd'",
        ),
        (
            outcome,
            {"version": 1, "calls": [{"id": "a", "do": "b", "status": "ok", "hresult": "x"}]},
            "result.calls[0].hresult is 'x', not an HRESULT",
        ),
        (
            outcome,
            {"version": 1, "calls": [{"id": "a", "do": "b", "status": "ok", "error": 3}]},
            "result.calls[0].error is 3, not an object",
        ),
        (outcome, {"version": 1, "leftovers": [{"kind": "x"}]}, "leftovers[0].id is missing"),
    ],
)
def test_another_shape_is_refused_by_its_path(read: Any, value: Any, said: str) -> None:
    with pytest.raises(BadReply) as caught:
        read(value)

    assert said in caught.value.message


def test_an_outcome_knows_the_call_that_ended_it() -> None:
    found = outcome(
        {
            "version": 1,
            "calls": [
                {"id": "a", "do": "service.systems", "status": "ok", "result": []},
                {
                    "id": "b",
                    "do": "system.create",
                    "status": "failed",
                    "hresult": "0x80370102",
                    "message": "no",
                    "error": NO_HYPERVISOR,
                },
                {"id": "c", "do": "system.start", "status": "skipped"},
            ],
            "finally": [
                {"id": "b_close", "do": "system.close", "status": "timeout", "error": "late"}
            ],
            "leftovers": [{"kind": "system", "id": "z", "removed": True}],
        }
    )

    assert found.broken is not None
    assert found.broken.code == 0x80370102
    assert found.broken.words.startswith("no\n")
    assert found.result("a") == []
    assert [row.words for row in found.unreleased] == ["late"]
    with pytest.raises(BadReply, match="b has no result"):
        found.result("b")
