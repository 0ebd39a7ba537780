"""Codes of Windows: how they are spelled, what they are called, and what brings them about."""

from __future__ import annotations

import pytest

from wincnode.causes import load_causes
from wincnode.hcs.codes import canonical, code, find, load_names
from wincnode.hcs.errors import explain, load_code_causes, load_meanings, meaning, recognise
from wincnode.hcs.wording import readings

KNOWN = load_meanings()
NAMES = KNOWN.names
# What a node of containers shows by itself: no code of these may be left without a remedy.
OWN = ("HCS_E_", "ERROR_VMCOMPUTE_", "HCN_", "GCN_", "ERROR_VID_", "ERROR_HV_", "WHV_E_")
OWN += ("ERROR_VNET_", "ERROR_VSMB_", "ERROR_VHD_", "CBS_E_", "ERROR_WSMAN_", "ERROR_FLT_")


def first(value: int, text: str = "") -> str:
    return explain(value, KNOWN, text)[0].cause.id


def test_names_are_sorted_and_each_is_there_once() -> None:
    """A person finds a code in the file, and git shows what changed."""
    assert list(NAMES) == sorted(NAMES)
    assert len(set(NAMES.values())) == len(NAMES)


def test_rows_name_codes_that_exist_and_have_a_remedy_and_a_source() -> None:
    """A misspelt name would never be met, and advice without a source is hearsay."""
    names = set(NAMES.values())
    named = {name for row in KNOWN.causes.values() for name in row.codes} | set(KNOWN.messages)
    families = {name[:-1] for name in named if name.endswith("*")}

    assert {name for name in named - names if not name.endswith("*")} == set()
    assert {row for row in families if not any(name.startswith(row) for name in names)} == set()
    assert [row.id for row in KNOWN.causes.values() if not (row.remedy and row.source)] == []
    assert {row.rank for row in KNOWN.causes.values()} == {1, 2, 3}
    assert [id for id, row in load_code_causes().items() if not (row.codes or row.pattern)] == []
    assert load_causes().keys() & load_code_causes().keys() == set()


def test_every_code_of_the_container_platform_has_a_cause() -> None:
    """HCS, HNS, the hypervisor, disks, features and WinRM: none is met with a shrug."""
    assert [
        name for value, name in NAMES.items() if name.startswith(OWN) and not explain(value, KNOWN)
    ] == []


@pytest.mark.parametrize(
    "spelled",
    [
        *("0x80370102", "0X80370102", "80370102", "(0x80370102)", "0xFFFFFFFF80370102"),
        *("2151088386", "-2143878910", "HCS_E_HYPERV_NOT_INSTALLED", "error -2143878910:"),
        *("0xc0370102", "3224830210", "-1070137086", "ERROR_VMCOMPUTE_HYPERV_NOT_INSTALLED"),
        '{"Error":-2143878910,"ErrorMessage":""}',
        "0x8037\n0102",
        "failed (HRESULT 80370102)",
        "Wsl/Service/CreateInstance/HCS_E_HYPERV_NOT_INSTALLED",
    ],
)
def test_a_code_is_known_in_every_spelling(spelled: str) -> None:
    """Both APIs' forms, hexadecimal, signed and unsigned, by name, within words and wrapped."""
    codes, reasons = recognise("\n".join(readings(spelled)), KNOWN)

    assert {canonical(one.name) for one in codes} == {"HCS_E_HYPERV_NOT_INSTALLED"}
    assert [reason.cause.id for reason in reasons] == ["cause.hypervisor"]


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("0x80070569", "ERROR_LOGON_TYPE_NOT_GRANTED"),
        ("2147943785", "ERROR_LOGON_TYPE_NOT_GRANTED"),
        ("1385", "ERROR_LOGON_TYPE_NOT_GRANTED"),
        ("%%1053", "ERROR_SERVICE_REQUEST_TIMEOUT"),
        ("[SC] StartService FAILED 1053:", "ERROR_SERVICE_REQUEST_TIMEOUT"),
        ("System error 5 has occurred.", "ERROR_ACCESS_DENIED"),
        ("CreateCompartment failed (1450)", "ERROR_NO_SYSTEM_RESOURCES"),
        ("exit code 3221225781", "STATUS_DLL_NOT_FOUND"),
        ("winapi error #3489660962", "STATUS_ACCESS_DENIED"),
        ("0x800F0954", "CBS_E_INVALID_WINDOWS_UPDATE_COUNT_WSUS"),
        ("E_INVALIDARG", "E_INVALIDARG"),
    ],
)
def test_a_number_of_another_kind_is_known_too(spelled: str, name: str) -> None:
    """Win32 alone and in an HRESULT, an NTSTATUS alone and in an HRESULT, setup's own."""
    assert [one.name for one in find(spelled, NAMES)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "I1124 10:00:00.000001    4242 server.go:545] up since 1795600000 s, pid 2147483999999",
        "goroutine 1 [running]: main.main(0xc042413e40, 0x7ff6ae21aa83)",
        "10.0.17763.2366 exited with code 1, exit status 137, 200 OK, port 10250, 4294967296 bytes",
        "WIN32_EXIT_CODE    : 0  (0x0)",
        "sha256:80370102deadbeef and 5eb7ad90-8037-0102 and 00000000-0000-0000-0000-000080370102",
    ],
)
def test_other_numbers_are_no_codes(text: str) -> None:
    """Times, pointers, addresses, ports, hashes and success are no errors."""
    assert find(text, NAMES) == ()


def test_a_code_without_a_name_is_told_as_it_is() -> None:
    """Somebody else may know it."""
    assert [(one.hex, one.name) for one in find("winapi error (0xdff00000)", NAMES)] == [
        ("0xDFF00000", "")
    ]


@pytest.mark.parametrize(
    ("value", "component"),
    [
        *((0xC0370101, "hcs"), (0x8037010E, "hcs"), (0xC037002C, "hypervisor")),
        *((0x80370303, "hypervisor"), (0xC0351000, "hypervisor"), (0x803B0013, "hns")),
        *((0x80070005, "win32"), (1385, "win32"), (0xC0000135, "ntstatus")),
        *((0xD0000022, "ntstatus"), (0x803381A5, "winrm"), (0x800F0922, "setup")),
        *((0xC03A001C, "disk"), (0x801F0013, "filter")),
    ],
)
def test_a_code_says_whose_it_is(value: int, component: str) -> None:
    """The facility tells; HCS and the virtualization driver share one."""
    assert code(value, NAMES).component == component


def test_log_on_as_a_service_is_explained() -> None:
    """Group policies that redefine the right keep every virtual machine from starting."""
    cause = explain(0x80070569, KNOWN)[0].cause

    assert "Log on as a service" in cause.cause + cause.remedy
    assert "S-1-5-83-0" in cause.cause


@pytest.mark.parametrize(
    ("text", "likeliest"),
    [
        ("", "access.denied"),
        ("hcsshim::ImportLayer failed in Win32", "layer.denied"),
        ("New-PSSession : Connecting to remote server web-1 failed", "winrm.denied"),
    ],
)
def test_the_words_beside_a_code_decide(text: str, likeliest: str) -> None:
    """A code is no cause: one number, three faults."""
    assert first(5, text) == likeliest


def test_of_two_messages_the_longer_one_counts() -> None:
    """`exited unexpectedly while starting` is more than `exited unexpectedly`."""
    codes, _ = recognise(
        "The virtual machine or container exited unexpectedly while starting.", KNOWN
    )

    assert [one.name for one in codes] == ["HCS_E_TERMINATED_DURING_START"]


def test_a_message_that_was_cut_off_is_known() -> None:
    """Tables of events cut long lines."""
    codes, _ = recognise("x: The virtual machine could not be started because a requi", KNOWN)

    assert [one.name for one in codes] == ["HCS_E_HYPERV_NOT_INSTALLED"]


def test_a_code_without_a_message_is_worded_by_its_name() -> None:
    """Windows' headers name more than anybody has described."""
    assert meaning(code(0x80338000, NAMES), KNOWN) == "wsman resource not found"
    assert meaning(code(0xC0370101, NAMES), KNOWN).startswith("The container operating system")


def test_names_are_read_anew_each_time() -> None:
    """Nobody changes the table of another."""
    assert load_names() == NAMES
    assert load_names() is not NAMES
