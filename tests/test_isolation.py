"""May an image of one build run on a host of another: the tables of Microsoft and containerd."""

from __future__ import annotations

import itertools

import pytest

from wincnode.builds import load_builds
from wincnode.isolation import (
    ISOLATIONS,
    RULE_SOURCES,
    RULES,
    Pair,
    Rule,
    Verdict,
    Version,
    judge,
    runs,
    version_of,
)
from wincnode.support import load_support, matcher_of

BUILDS = load_builds()
OLD = (14393, 16299, 17134, 17763, 18362, 18363, 19041, 19042, 19043, 19044, 19045)
# For each host from 20348 on, the oldest image that each rule takes; none is newer than the host.
# Source: containerd/platforms:platform_windows_compat_test.go
OLDEST: dict[Rule, dict[int, int]] = {
    "R0": {build: build for build in (20348, 22000, 22621, 22631, 25398, 26100, 26200, 28000)},
    "R1": dict.fromkeys((20348, 22000, 22621, 22631, 25398, 26100, 26200, 28000), 20348),
    "R2": {
        **dict.fromkeys((20348, 22000, 22621, 22631, 25398, 26100), 20348),
        26200: 26100,
        28000: 26100,
    },
    "R3": dict.fromkeys((20348, 22000, 22621, 22631, 25398, 26100, 26200, 28000), 20348),
}


def verdict(host: str, image: str, isolation: str = "process", rule: Rule | None = None) -> Verdict:
    """Judge two versions as they are written on the command line."""
    versions = [version_of(text) for text in (host, image)]
    assert versions[0] is not None
    assert versions[1] is not None
    (mode,) = [row for row in ISOLATIONS if row == isolation]
    pair = Pair(host=versions[0], image=versions[1])
    return judge(pair, mode, rule=rule, builds=BUILDS)


@pytest.mark.parametrize("rule", list(RULES))
def test_every_pair_of_builds_is_judged_as_the_table_says(rule: Rule) -> None:
    """A host before 20348 takes its own build alone; none takes a newer image."""
    table = {**{build: build for build in OLD}, **OLDEST[rule]}
    assert set(table) == set(BUILDS)
    wrong = [
        (host, image)
        for host, image in itertools.product(BUILDS, BUILDS)
        if runs(rule, host=host, image=image) != (table[host] <= image <= host)
    ]
    assert wrong == []


def test_the_rules_differ_where_it_is_known_that_they_do() -> None:
    """On 17763, 20348 and 26100 all but R0 agree; 20348 on 26200 is what R2 refuses."""
    nodes = (17763, 20348, 26100)
    for host, image in itertools.product(nodes, nodes):
        assert len({runs(rule, host=host, image=image) for rule in ("R1", "R2", "R3")}) == 1
    assert not runs("R0", host=26100, image=20348)
    assert [rule for rule in RULES if runs(rule, host=26200, image=20348)] == ["R1", "R3"]


def test_a_utility_vm_is_never_newer_than_its_host() -> None:
    """Of all pairs of known builds, those and no others are denied under Hyper-V."""
    for host, image in itertools.product(BUILDS, BUILDS):
        found = verdict(str(host), str(image), "hyperv")
        assert (found.verdict == "deny") == (image > host)


@pytest.mark.parametrize(
    ("host", "image", "isolation", "expected", "rule", "word"),
    [
        ("20348", "17763", "process", "deny", "R3", "takes images of its own build alone"),
        ("26100", "20348", "process", "allow", "R3", "20348 to 26100"),
        ("25398", "20348", "process", "allow", "R3", "20348 to 25398"),
        ("20348", "26100", "process", "deny", "R3", "alone, the image has 26100"),
        ("20348", "17763", "hyperv", "conditional", "hyperv", "from no index"),
        ("26100", "20348", "hyperv", "allow", "hyperv", "not newer"),
        ("25398", "17763", "hyperv", "conditional", "hyperv", "20348 alone"),
        ("19045", "20348", "hyperv", "deny", "hyperv", "older host"),
        ("22631", "20348", "process", "conditional", "R3", "preview"),
        ("26200", "20348", "process", "conditional", "R3", "a runtime with rule R2 refuses it"),
        ("29000", "26100", "process", "conditional", "R3", "host's build 29000 is not known"),
        ("29000", "26100", "hyperv", "conditional", "hyperv", "host's build 29000 is not known"),
        ("29000", "17763", "process", "deny", "R3", "builds 20348 to 29000"),
        ("26100", "20349", "process", "conditional", "R3", "image's build 20349 is not known"),
        ("14393", "14393", "process", "conditional", "revision", "the same revision"),
        ("14393.100", "14393.100", "process", "allow", "R3", "its own build alone"),
        ("14393.100", "14393.101", "process", "deny", "revision", "14393.100 is not 14393.101"),
        ("17763.1000", "17763.1040", "process", "deny", "revision", "2020-02"),
        ("17763.1039", "17763.1039", "process", "deny", "revision", "2020-02"),
        ("17763.1039", "17763.1040", "process", "allow", "R3", "its own build alone"),
        ("17763.1000", "17763.1000", "process", "allow", "R3", "its own build alone"),
        ("17763.1000", "17763.1040", "hyperv", "allow", "hyperv", "not newer"),
    ],
)
def test_what_is_judged_and_why(
    host: str, image: str, isolation: str, expected: str, rule: str, word: str
) -> None:
    """The verdict, the rule that decided, and the reason in words; without a known runtime."""
    found = verdict(host, image, isolation)

    assert (found.verdict, found.rule) == (expected, rule)
    assert word in found.reason
    assert found.source


def test_the_runtime_s_rule_decides_where_it_is_known() -> None:
    """The refusal says that Windows' own policy would allow it."""
    refused = verdict("26200", "20348", rule="R2")
    assert (refused.verdict, refused.rule, refused.source) == ("deny", "R2", RULE_SOURCES["R2"])
    assert "Windows' own policy (R3) would allow it" in refused.reason
    assert verdict("26100", "20348", rule="R0").verdict == "deny"
    assert verdict("26200", "20348", "hyperv", rule="R2").verdict == "conditional"
    assert verdict("26200", "20348", "hyperv", rule="R3").verdict == "allow"


def test_a_newer_revision_of_the_image_is_a_warning() -> None:
    """Under process isolation and on the same build; an older or equal one is none."""
    texts = [note.text for note in verdict("26100.3194", "26100.4061").warnings]
    assert len(texts) == 1
    assert "0xc0370106" in texts[0]
    for host, image in (("26100.4061", "26100.3194"), ("26100", "26100.4061")):
        assert verdict(host, image).warnings == ()
    hyperv = verdict("26100.3194", "26100.4061", "hyperv").warnings
    assert ["UtilityVM" in note.text for note in hyperv] == [True]


def test_revisions_are_compared_as_numbers() -> None:
    """26100 went from four digits to five."""
    assert verdict("26100.33296", "26100.4061").warnings == ()
    assert len(verdict("26100.4061", "26100.33296").warnings) == 1


def test_a_host_that_is_no_supported_node_is_a_warning() -> None:
    """The containers run; the kubelet is not supported."""
    texts = [verdict(host, host).warnings[0].text for host in ("19042", "14393")]
    assert texts == [
        "Windows Server, version 20H2 is no longer a supported Kubernetes node",
        "Windows Server 2016 is no supported Kubernetes node",
    ]
    assert verdict("20348", "20348").warnings == ()


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_only_amd64_runs_on_amd64(isolation: str) -> None:
    """Kubernetes has no Windows node of another architecture."""
    (mode,) = [row for row in ISOLATIONS if row == isolation]
    host = image = Version(build=26100)
    for arches in (("arm64", "amd64"), ("arm64", "arm64"), ("amd64", "arm64")):
        pair = Pair(host=host, image=image, host_arch=arches[0], image_arch=arches[1])
        found = judge(pair, mode, rule=None, builds=BUILDS)
        assert (found.verdict, found.rule) == ("deny", "architecture")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20348", Version(build=20348)),
        ("10.0.20348", Version(build=20348)),
        ("20348.587", Version(build=20348, revision=587)),
        ("10.0.26100.33296", Version(build=26100, revision=33296)),
        ("10.0", None),
        ("6.3.9600", None),
        ("10.0.70000.1", None),
        ("20348.", None),
        ("20348.1.2", None),
        ("latest", None),
        ("", None),
        ("\u0662\u0660\u0663\u0664\u0668", None),
    ],
)
def test_what_counts_as_a_version_of_windows(text: str, expected: Version | None) -> None:
    """Nothing is guessed from what is none."""
    assert version_of(text) == expected


@pytest.mark.parametrize(
    ("containerd", "rule", "order"),
    [
        ("1.5.18", "R0", "revision"),
        ("1.6.22", "R0", "revision"),
        ("1.6.39", "R1", "revision"),
        ("1.7.5", "R0", "index"),
        ("1.7.6", "R1", "index"),
        ("1.7.34", "R1", "index"),
        ("2.0.10", "R1", "index"),
        ("2.1.5", "R1", "index"),
        ("2.1.6", "R2", "text"),
        ("2.1", "R2", "text"),
        ("v2.2.7", "R2", "text"),
        ("2.3.4", "R2", "text"),
        ("2.3.5", "R3", "text"),
        ("2.3", "R3", "text"),
        ("2.4.0", "R3", "text"),
    ],
)
def test_each_containerd_has_its_rule_and_order(containerd: str, rule: str, order: str) -> None:
    """Read from the sources at each tag; a line alone means its newest version."""
    found = matcher_of(load_support(), containerd)

    assert (found.rule, found.order) == (rule, order)
