"""Which versions go together: what is refused, what is warned of, and which pause fits."""

from __future__ import annotations

from datetime import date

import pytest

from wincnode.builds import load_builds
from wincnode.errors import ConfigError
from wincnode.support import Wish, line_of, load_support, numbers, pause_for, problems

SUPPORT = load_support()
TODAY = date(2026, 10, 1)


def said(wish: Wish, today: date = TODAY) -> list[str]:
    """Give the problems as `severity: text`."""
    return [f"{row.severity}: {row.text}" for row in problems(SUPPORT, wish, today=today)]


@pytest.mark.parametrize(
    ("kubernetes", "containerd"),
    [
        ("1.35.8", "2.2.9"),
        ("1.36.4", "2.2.9"),
        ("1.36.4", "2.3.7"),
        ("1.37.1", "2.3.7"),
        ("1.37.1", "2.4.2"),
    ],
)
def test_tested_versions_go_together_without_a_word(kubernetes: str, containerd: str) -> None:
    """What upstream tests together is no matter."""
    assert said(Wish(kubernetes=kubernetes, containerd=containerd)) == []


def test_containerd_1_7_is_refused_from_kubernetes_1_38_on() -> None:
    """The reason is told, beside that 1.38 is not known yet."""
    texts = said(Wish(kubernetes="1.38.0-alpha.2", containerd="1.7.35"), date(2026, 9, 1))

    because = SUPPORT.containerd["1.7"].because
    assert "RuntimeConfig" in because
    assert texts == [
        "error: Kubernetes 1.38 is not known; known are 1.35, 1.36, 1.37",
        f"error: containerd 1.7 cannot run with Kubernetes 1.38.0-alpha.2: {because}",
    ]


@pytest.mark.parametrize("containerd", ["1.6.39", "2.5.0", "3.0.0"])
def test_an_unknown_line_of_containerd_is_refused(containerd: str) -> None:
    """A configuration file for it does not exist."""
    (text,) = said(Wish(kubernetes="1.36.4", containerd=containerd))

    assert text.startswith(f"error: containerd {line_of(containerd)} is not known; known are 1.7,")


@pytest.mark.parametrize(
    ("containerd", "today", "word"),
    [
        ("2.2.9", date(2026, 11, 7), "has had no fixes since 2026-11-06"),
        ("2.3.6", TODAY, "has vulnerabilities that 2.3.7 fixes"),
        (
            "1.7.35",
            TODAY,
            "is not tested with Kubernetes 1.36; tested are 2.2 from 2.2.0, 2.3 from 2.3.0",
        ),
        ("2.1.9", TODAY, "is not tested with Kubernetes 1.36;"),
        ("2.4.1", TODAY, "has vulnerabilities that 2.4.2 fixes"),
    ],
)
def test_what_works_badly_is_warned_of(containerd: str, today: date, word: str) -> None:
    """Out of support, vulnerable and untested are said, and do not stop anybody."""
    texts = said(Wish(kubernetes="1.36.4", containerd=containerd), today)

    assert any(word in text for text in texts)
    assert all(text.startswith("warning: ") for text in texts)


def test_versions_are_compared_as_numbers() -> None:
    """2.2.10 is newer than 2.2.9, and 1.7.28 does not reach a floor of 1.7.33."""
    assert numbers("v2.2.10") > numbers("2.2.9")
    texts = said(Wish(kubernetes="1.35.8", containerd="1.7.28"), date(2026, 9, 1))
    assert texts == ["warning: containerd 1.7.28 has vulnerabilities that 1.7.35 fixes"]


@pytest.mark.parametrize(
    ("minor", "build", "hyperv", "version"),
    [
        ("1.35", 17763, False, "3.10.1"),
        ("1.35", 20348, True, "3.10.1"),
        ("1.35", 26100, False, "3.10.1"),
        ("1.35", 26100, True, "3.10.2"),
        ("1.36", 26100, True, "3.10.2"),
        ("1.37", 25398, False, "3.10.2"),
    ],
)
def test_pause_is_kubeadm_s_own_or_the_next_that_fits(
    minor: str, build: int, *, hyperv: bool, version: str
) -> None:
    """A Hyper-V sandbox on 2025 boots the image's own build, so that it needs one of 2025."""
    expected = f"registry.k8s.io/pause:{version}"
    assert pause_for(SUPPORT, minor, build=build, hyperv=hyperv) == expected


@pytest.mark.parametrize(
    ("minor", "build", "hyperv"), [("1.36", 19042, False), ("1.36", 25398, True)]
)
def test_a_build_without_a_pause_image_is_refused(minor: str, build: int, *, hyperv: bool) -> None:
    """No sandbox, no pod."""
    with pytest.raises(ConfigError, match=f"Windows build {build}"):
        pause_for(SUPPORT, minor, build=build, hyperv=hyperv)


def test_a_wrong_pause_and_a_wrong_windows_are_errors() -> None:
    """Both are known before anything is touched."""
    wish = Wish(kubernetes="1.36.4", containerd="2.3.7", build=26100, hyperv=True, pause="3.10.1")
    assert said(wish) == [
        "error: pause 3.10.1 holds no image for Hyper-V isolation on Windows build 26100"
    ]
    client = Wish(kubernetes="1.36.4", containerd="2.3.7", build=22631, builds=load_builds())
    (text,) = said(client)
    assert text.startswith("error: Windows build 22631 (Windows 11 23H2) is no Kubernetes node;")


def test_every_row_names_its_source_and_known_lines() -> None:
    """A table that refers to what it does not have is a bug."""
    rows = [*SUPPORT.kubernetes.values(), *SUPPORT.containerd.values(), *SUPPORT.pause.values()]
    assert all(row.source for row in rows)
    for minor in SUPPORT.kubernetes.values():
        assert minor.pause in SUPPORT.pause
        assert set(minor.containerd) <= set(SUPPORT.containerd)
    assert all(line.pause in SUPPORT.pause for line in SUPPORT.containerd.values())
