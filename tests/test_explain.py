"""`wincnode explain`: codes, pasted lines, files and stdin, with the likeliest cause first."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from explain_cases import LINES

from wincnode.commands.explain import LONGEST, Explanation, explain, read, to_text
from wincnode.errors import ConfigError
from wincnode.hcs.errors import load_meanings

KNOWN = load_meanings()


def outcome(text: str) -> tuple[str, str]:
    """Give the code and the likeliest cause."""
    found = explain(text, KNOWN)
    return found.code, found.causes[0].id if found.causes else ""


def wrapped(text: str, width: int) -> str:
    """Break lines where a console of that width does: within words, too."""
    lines = text.split("\n")
    return "\n".join(
        line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width)
    )


def nested(text: str, depth: int) -> str:
    """Put a text into JSON, and that into JSON again."""
    for _ in range(depth):
        text = json.dumps({"log": text})
    return text


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


SPOILT: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "37 columns": lambda text: wrapped(text, 37),
    "80 columns": lambda text: wrapped(text, 80),
    "120 columns": lambda text: wrapped(text, 120),
    "continued lines": lambda text: wrapped(text, 70).replace("\n", "\n       "),
    "quoted in a mail": quoted,
    "JSON": lambda text: nested(text, 1),
    "JSON in JSON": lambda text: nested(text, 2),
    "JSON three deep": lambda text: nested(text, 3),
    "wrapped JSON": lambda text: wrapped(nested(text, 2), 80),
    "wraps in JSON": lambda text: nested(wrapped(text, 60), 3),
    "colours and CRLF": lambda text: "\x1b[31m" + text.replace("\n", "\r\n") + "\x1b[0m",
}


def test_forty_threads_are_forty_threads() -> None:
    """Different threads, codes and words, so that the figure means something."""
    assert len({source for source, *_ in LINES}) == len(LINES) >= 40
    assert len({cause for *_, cause in LINES}) >= 30
    assert len({code for _, _, code, _ in LINES}) >= 30


@pytest.mark.parametrize("how", SPOILT)
def test_real_lines_are_explained(how: str) -> None:
    """Code and likeliest cause are right, however the line was carried here."""
    wrong = [
        (source, found, (code, cause))
        for source, text, code, cause in LINES
        if (found := outcome(SPOILT[how](text))) != (code, cause)
    ]

    assert wrong == []


def test_each_cause_carries_a_remedy_and_a_source() -> None:
    """A pipeline can show what to do, and who says so."""
    for _, text, *_ in LINES:
        for cause in explain(text, KNOWN).causes:
            assert cause.remedy
            assert cause.source


def test_the_true_code_comes_before_its_envelope() -> None:
    """WinRM's 500 is around the fault that counts."""
    text = (
        "winrm.exceptions.WinRMError: Access is denied. (extended fault data: {'http_status_code':"
        " 500, 'wsmanfault_code': '2147942405', 'fault_code': 's:Receiver'})"
    )

    assert outcome(text) == ("0x80070005", "winrm.denied")


def test_a_code_of_the_platform_comes_before_one_of_windows() -> None:
    """What HNS says of its network tells more than what Windows says of a call."""
    assert outcome("failed (0x5af), then hcn: (0x803b0010)") == ("0x803B0010", "hns.network-exists")


@pytest.mark.parametrize(
    "text",
    [
        "The container operating \x1b[1;31msystem\x1b[0m does not match the host operating system",
        "&lt;Message&gt;The container operating system&#10;does not match the host operating system",
    ],
)
def test_colours_and_escapes_within_a_line_are_undone(text: str) -> None:
    """Terminals colour words, and SOAP is XML."""
    assert outcome(text)[1] == "cause.image-mismatch"


def test_angle_brackets_of_go_s_json_are_undone() -> None:
    """Go writes them as numbers, which run into the code behind them."""
    assert outcome(r"Error: \u003c0x803b0013\u003e")[0] == "0x803B0013"


def test_causes_of_a_join_are_found_in_any_text() -> None:
    """The rows that a failed join is told by are those of `explain`, too."""
    assert outcome("Error: unknown flag: --pod-infra-container-image") == ("", "cause.flag")


def test_what_nobody_knows_is_said_with_what_was_recognised() -> None:
    """The exit code is 1, and the codes are named."""
    unknown = explain("winapi error #3757047808 (0xdff00000) near 0x000000B4", KNOWN)

    assert unknown.exit_code == 1
    assert [row.code for row in unknown.recognised] == ["0xDFF00000", "0x000000B4"]
    assert "no cause is known" in to_text(unknown)
    assert explain("all is well", KNOWN) == Explanation()


def test_no_terminal_obeys_what_is_explained() -> None:
    """A log is hostile until it is printed."""
    assert "\x1b" not in to_text(explain("\x1b]0;x\x07 0x80370102 \x1b[2J", KNOWN))


@pytest.mark.parametrize("word", ["\\", "hcsshim::ImportLayer ", "\\n", "2147942405 ", "\x1b]"])
def test_no_text_keeps_it_busy(word: str) -> None:
    """What a node printed may be anything; patterns that look ahead see short lines only."""
    before = time.process_time()

    explain(word * (LONGEST // 4 // len(word)), KNOWN)

    assert time.process_time() - before < 2


def test_a_file_is_read_whatever_wrote_it(tmp_path: Path) -> None:
    """Windows PowerShell writes UTF-16; of a long log the end counts."""
    line = "Incorrect function. (0x1)"
    for name, data in {
        "utf16.log": f"{line}\r\n".encode("utf-16"),
        "utf8.log": f"\ufeff{line}\n".encode(),
        "long.log": b"(0x5)\n" + b"some words of no code\n" * (LONGEST // 20) + line.encode(),
        "torn.log": b"\xff\xfe"[:1] + line.encode(),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert [row.code for row in explain(read([str(path)]), KNOWN).recognised] == ["0x00000001"]


def test_nothing_to_explain_is_a_usage_error(tmp_path: Path) -> None:
    """An empty call is no unknown code; a folder is words."""
    with pytest.raises(ConfigError, match="nothing to explain"):
        read([])
    assert read([str(tmp_path)]) == str(tmp_path)
    assert read(["x" * 5000]) == "x" * 5000


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "wincnode", "explain", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("between", [" ", ","])
def test_a_long_line_is_cut_between_codes(between: str) -> None:
    """Cut within one, its first half would be a code of its own, such as 0x8."""
    found = explain(between.join(["0x80070005"] * 5000))
    assert [row.code for row in found.recognised] == ["0x80070005"]


@pytest.mark.skipif(os.name != "posix", reason="a shell closes it")
@pytest.mark.parametrize(
    ("words", "code"), [("explain -", 1), ("compat --images-from -", 2)], ids=["explain", "compat"]
)
def test_a_closed_stdin_is_an_empty_one(words: str, code: int) -> None:
    """As in services that have none."""
    line = f"exec {shlex.quote(sys.executable)} -m wincnode {words} <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, "a bug" in done.stderr) == (code, False)


def test_stdin_words_and_json_go_together() -> None:
    """Several words are one line, a dash reads stdin, and -o json is for pipelines."""
    line = b"hcsshim::PrepareLayer failed in Win32: Incorrect function. (0x1)"
    piped = run("-", "-o", "json", stdin=line)
    words = run("-o", "json", *line.decode().split())
    document = json.loads(piped.stdout)

    assert (piped.returncode, words.returncode) == (0, 0)
    assert json.loads(words.stdout) == document
    assert (document["code"], document["name"]) == ("0x00000001", "ERROR_INVALID_FUNCTION")
    assert document["component"] == "win32"
    assert {"id", "remedy", "source"} <= document["causes"][0].keys()


def test_a_negative_number_is_no_option() -> None:
    """Exit codes are pasted as kubectl shows them."""
    found = run("-1073741515")

    assert found.returncode == 0
    assert b"STATUS_DLL_NOT_FOUND" in found.stdout


def test_an_unknown_code_ends_with_1() -> None:
    """A script can tell whether there is advice."""
    found = run("0xDFF00000", "-o", "json")

    assert found.returncode == 1
    assert json.loads(found.stdout)["causes"] == []


def cpu_s(*words: str) -> float:
    """Give the processor time of wincnode, the best of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "wincnode", *words], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def test_an_answer_costs_little_more_than_a_start() -> None:
    """0.21 s against 0.11 s on an idle machine: tables of thousands of rows are read at once."""
    assert cpu_s("explain", "0xC0370101") <= 3 * cpu_s("--help")
