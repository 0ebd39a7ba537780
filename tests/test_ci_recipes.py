"""Facts about the recipes of docs/ci.md: they parse, and wincnode takes their command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from wincnode import checks
from wincnode.cli.start import app
from wincnode.formats import FORMATS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
REPORTS = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT / "docs" / "Containerfile").read_text(encoding="utf-8")
HEADS = ("GitHub Actions", "GitLab CI/CD", "Azure Pipelines", "Jenkins")


def recipe(head: str, language: str = "yaml") -> str:
    """Give the first block of a section."""
    section = PAGE.partition(f"\n## {head}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, head
    return found[1]


def texts(value: Any) -> Iterator[str]:
    """Give every text in a document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def commands() -> list[str]:
    """List the command lines of wincnode in all recipes."""
    found = []
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        found += [t for t in texts(yaml.safe_load(block)) if t.startswith("wincnode preflight -")]
    found += re.findall(r"sh '(wincnode [^']*)'", recipe("Jenkins", "groovy"))
    return found


def test_there_is_a_command_in_each_recipe() -> None:
    """Four platforms, and a Windows worker that judges itself."""
    assert len(commands()) == 5


@pytest.mark.parametrize("line", commands())
def test_wincnode_takes_the_command_lines(line: str) -> None:
    """Every option is known, every format is there, every check that is ignored exists."""
    words = shlex.split(re.sub(r"\$\(([\w.]+)\)", r"\1", line))
    command: Any = typer.main.get_command(app)
    known = command.commands[words[1]].make_context(words[1], words[2:]).params

    formats = [word.partition("=")[0] for word in known["output"]]
    assert set(formats) <= set(FORMATS)
    assert sum("=" not in word for word in known["output"]) <= 1
    assert set(known["ignore"] or ()) <= {check.id for check in checks.all_checks()}
    assert known["no_input"] or known["local"]


def test_github_is_given_what_it_shows() -> None:
    """Annotations, summary, SARIF and an artifact, also when the verdict is bad."""
    job = yaml.safe_load(recipe("GitHub Actions"))["jobs"]["preflight"]
    command, *rest = job["steps"][1:]

    assert "-o github " in command["run"]
    assert "GITHUB_STEP_SUMMARY" in command["run"]
    assert all(step["if"].startswith("${{ !cancelled()") for step in rest)
    assert rest[0]["with"]["sarif_file"] == "preflight.sarif"


def test_gitlab_is_given_what_it_shows() -> None:
    """Test report and code quality, whatever the exit code."""
    artifacts = yaml.safe_load(recipe("GitLab CI/CD"))["preflight"]["artifacts"]

    assert artifacts["when"] == "always"
    assert artifacts["reports"] == {"junit": "preflight.xml", "codequality": "preflight.json"}


def test_azure_is_given_what_it_shows() -> None:
    """Issues, test results and an artifact, whatever the exit code."""
    command, *rest = yaml.safe_load(recipe("Azure Pipelines"))["steps"]

    assert "-o azure " in command["script"]
    assert [step["condition"] for step in rest] == ["succeededOrFailed()"] * 3
    assert rest[1]["inputs"]["testResultsFormat"] == "JUnit"


def test_the_files_that_jenkins_collects_are_written() -> None:
    """Each pattern of `post` is a file of the command; the braces close."""
    text = recipe("Jenkins", "groovy")
    collected = re.findall(r"(?:testResults|pattern|artifacts): '([^']*)'", text)

    assert sorted(collected) == ["preflight.html", "preflight.sarif", "preflight.xml"]
    assert all(f"={name}" in text for name in collected)
    assert text.count("{") == text.count("}")


def test_no_secret_stands_on_a_command_line() -> None:
    """Passwords come in the environment."""
    assert not [line for line in commands() if "PASSWORD" in line]


def test_the_image_has_what_the_wheel_is_built_of() -> None:
    """What pyproject.toml names is copied, nobody is root, and no package comes in unbuilt."""
    copied = {word for line in re.findall(r"^COPY (.*)$", CONTAINERFILE, re.MULTILINE)
              for word in line.split()[:-1]}  # fmt: skip
    instructions = re.findall(r"^([A-Z]+)\b", CONTAINERFILE, re.MULTILINE)

    assert copied == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "wincnode",
        "playbooks",
        "templates",
    }
    assert all((ROOT / name).exists() for name in copied)
    assert set(instructions) <= {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}
    assert "\nUSER 10001\n" in CONTAINERFILE
    assert "--no-index" in CONTAINERFILE


def test_every_format_is_in_the_help() -> None:
    """What `-o` lists is what there is, in the same order."""
    command: Any = typer.main.get_command(app)
    (option,) = (row for row in command.commands["preflight"].params if row.name == "output")

    assert re.findall(r"[a-z]+", option.help.partition(";")[0].replace(" or ", " ")) == list(
        FORMATS
    )


def test_every_format_is_on_the_page() -> None:
    """A format that nobody reads of is not there; the order is that of the table."""
    assert re.findall(r"^\| `([a-z]+)` \|", REPORTS, re.MULTILINE) == list(FORMATS)
