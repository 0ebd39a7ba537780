"""What `wincnode doctor` tells of a workstation."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from wincnode import cli
from wincnode.commands.doctor import Desk, Row, exit_code, run
from wincnode.lab.cluster import control_plane
from wincnode.lab.nodes import closed_port

NODES = "nodes: {a: {connection: {user: u, password: {env: DOCTOR_PASSWORD}}}}\n"


def at(folder: Path, *names: str, given: bool = False, **environ: str) -> dict[str, list[Row]]:
    """Look at a workstation whose home is a folder; gives the rows by their topics."""
    paths = [folder / name for name in names or ("wincnode.yaml",)]
    desk = Desk(environ=environ, home=folder, inventories=paths, given=given or bool(names))
    found: dict[str, list[Row]] = {}
    for row in run(desk):
        found.setdefault(row.topic, []).append(row)
    return found


def only(found: dict[str, list[Row]], topic: str) -> tuple[str, str, str]:
    (row,) = found[topic]
    return row.verdict, row.text, row.remedy


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "DOCTOR_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_an_empty_workstation_is_warned_of_what_it_lacks(tmp_path: Path) -> None:
    found = at(tmp_path)

    assert only(found, "inventory")[0] == "warning"
    assert "wincnode init" in only(found, "inventory")[2]
    assert only(found, "cluster")[0] == "warning"
    assert only(found, "proxy") == ("ok", "none is set", "")
    assert only(found, "netrc") == ("ok", "there is none", "")
    assert only(found, "cache")[:2] == (
        "ok",
        f"{tmp_path}/.cache/wincnode/artifacts can be written",
    )
    assert exit_code([row for rows in found.values() for row in rows]) == 0
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_an_inventory_that_is_wrong_or_missing_is_an_error(tmp_path: Path) -> None:
    assert only(at(tmp_path, "other.yaml"), "inventory")[0] == "error"
    (tmp_path / "wincnode.yaml").write_text("nodes: {a: {colour: red}}\n")
    verdict, text, _ = only(at(tmp_path), "inventory")
    assert (verdict, "wincnode.yaml:1: nodes.a.colour: unknown" in text) == ("error", True)


def test_passwords_are_looked_for_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wincnode.yaml").write_text(NODES)
    assert only(at(tmp_path), "password")[:2] == (
        "error",
        "password of a: the environment variable DOCTOR_PASSWORD is not set",
    )
    monkeypatch.setenv("DOCTOR_PASSWORD", "hunter2")
    found = at(tmp_path)
    assert only(found, "password")[0] == "ok"
    assert "hunter2" not in str(found)
    assert only(found, "inventory")[1].endswith("is valid; nodes: 1")


@pytest.mark.parametrize(
    ("source", "verdict", "text"),
    [
        ("{prompt: true}", "ok", "is asked for"),
        ("{command: [no-such-program, x]}", "error", "there is no program no-such-program"),
        ("{command: [sh, -c, 'exit 1']}", "ok", "comes from sh, which is there"),
        ("{file: open.txt}", "error", "wider than 0600"),
    ],
)
def test_the_other_sources_of_a_password(
    source: str, verdict: str, text: str, tmp_path: Path
) -> None:
    """A program is looked for and not started."""
    (tmp_path / "open.txt").write_text("x")
    (tmp_path / "open.txt").chmod(0o644)
    (tmp_path / "wincnode.yaml").write_text(NODES.replace("{env: DOCTOR_PASSWORD}", source))
    told = only(at(tmp_path), "password")
    assert (told[0], text in told[1]) == (verdict, True)


def test_a_proxys_password_is_hidden(tmp_path: Path) -> None:
    """With a scheme or without; lower case goes before, as for programs in Python."""
    _, text, _ = only(
        at(
            tmp_path,
            HTTPS_PROXY="u:hunter2@p:3128",
            http_proxy="http://u:hunter2@p",
            HTTP_PROXY="http://other",
            NO_PROXY="h",
        ),
        "proxy",
    )
    assert "hunter2" not in text
    assert "HTTP_PROXY=http://***@p, HTTPS_PROXY=***@p:3128, NO_PROXY=h: not for nodes" in text


@pytest.mark.parametrize("sign", ["/", "#", "?", "[", "@", "://", "\uff20"])
def test_whatever_a_proxys_password_holds_is_hidden(sign: str, tmp_path: Path) -> None:
    """A person writes it as it is, whatever an address would have to look like."""
    found = at(tmp_path, HTTP_PROXY=f"http://u:hunter{sign}2@p:1")
    assert only(found, "proxy")[1].startswith("HTTP_PROXY=http://***@p:1: not for nodes")


def test_a_home_that_one_may_not_look_into_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with another user's HOME; root may look everywhere, so the refusal is put there."""

    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refused)
    assert only(at(tmp_path), "netrc") == ("ok", "there is none", "")


@pytest.mark.parametrize(("code", "verdict"), [(0, "ok"), (1, "error")])
def test_a_ticket_is_looked_for_where_nodes_want_one(
    code: int, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wincnode.yaml").write_text(
        "nodes: {a: {connection: {auth: kerberos, user: u@LAB.EXAMPLE}}}\n"
    )
    klist = tmp_path / "klist"
    klist.write_text(f'#!/bin/sh\n[ "$*" = -s ] && exit {code}\nexit 9\n')
    klist.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert at(tmp_path)["kerberos"][-1].verdict == verdict


def test_the_cluster_is_asked_once(tmp_path: Path) -> None:
    """A real API server that answers, and a port where nobody does."""
    (tmp_path / "cluster").mkdir()
    with control_plane(tmp_path / "cluster") as plane:
        text = (
            f"cluster: {{kubeconfig: {plane.kubeconfig()}}}\nnodes: {{a: {{connection: {{user: u,"
        )
        (tmp_path / "wincnode.yaml").write_text(f"{text} password: {{prompt: true}}}}}}}}\n")
        verdict, said, _ = only(at(tmp_path), "cluster")
    assert (verdict, "answers as v" in said) == ("ok", True)
    assert only(at(tmp_path), "cluster")[0] == "error"


def test_a_plugin_and_a_helper_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [
                    {"name": "k", "cluster": {"server": f"https://127.0.0.1:{closed_port()}"}}
                ],
                "users": [
                    {
                        "name": "u",
                        "user": {
                            "exec": {
                                "apiVersion": "client.authentication.k8s.io/v1",
                                "command": "no-such-login",
                                "interactiveMode": "Never",
                                "installHint": "get it",
                            }
                        },
                    }
                ],
            }
        )
    )
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"credsStore": "no-such-store"}')

    found = at(tmp_path)

    assert only(found, "cluster") == (
        "error",
        "context c: there is no program no-such-login",
        "get it",
    )
    assert "docker-credential-no-such-store, which is not there" in only(found, "registry")[1]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    verdict, text, remedy = only(at(tmp_path, XDG_CACHE_HOME=str(tmp_path / "file")), "cache")
    assert (verdict, "cannot be written" in text) == ("error", True)
    assert "XDG_CACHE_HOME" in remedy


def test_the_verb_prints_lines_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wincnode.yaml").write_text("nodes: {a: {colour: red}}\n")
    monkeypatch.setattr(sys, "argv", ["wincnode", "doctor"])
    assert cli.run() == 1
    assert "error    inventory  wincnode.yaml:1: nodes.a.colour: unknown" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["wincnode", "doctor", "-o", "json"])
    assert cli.run() == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["exit_code"]) == ("wincnode/doctor/v1", 1)
    assert {row["verdict"] for row in told["rows"]} == {"ok", "warning", "error"}
