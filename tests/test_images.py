"""Which manifest a node really gets, by the version of its containerd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wincnode.builds import load_builds
from wincnode.images.choose import Choice, Node, choose
from wincnode.images.offer import Entry, Image, Kind, Nested, Platform
from wincnode.images.reference import parse
from wincnode.images.workloads import images_of
from wincnode.isolation import Isolation, Version, version_of
from wincnode.support import load_support, matcher_of

BUILDS = load_builds()


def windows(os_version: str, **more: str | tuple[str, ...]) -> Platform:
    """Give a Windows platform."""
    return Platform(**{"os": "windows", "arch": "amd64", "os_version": os_version, **more})  # type: ignore[arg-type]


def entry(listed: Platform | None, real: Platform | None = None, number: int = 0) -> Entry:
    """Give an entry; its digest tells its number."""
    found = real or listed
    assert found is not None
    return Entry(digest=f"sha256:{number}", listed=listed, real=found)


def image(*entries: Entry, kind: Kind = "index") -> Image:
    """Give an image."""
    return Image(
        reference=parse("a.example/b"), kind=kind, digest="sha256:x", entries=entries, served_by=""
    )


def index(*versions: str) -> Image:
    """Give an index of Windows versions, by their order."""
    return image(*(entry(windows(text), number=at) for at, text in enumerate(versions)))


def choice(
    of: Image, host: str, containerd: str = "2.3.4", isolation: Isolation = "process"
) -> Choice:
    """Choose for a host."""
    version = version_of(host)
    assert version is not None
    node = Node(version=version, matcher=matcher_of(load_support(), containerd))
    return choose(of, node, isolation, BUILDS)


def got(of: Image, host: str, containerd: str = "2.3.4") -> str:
    """Give the version that a host gets; empty where it gets none."""
    found = choice(of, host, containerd).entry
    return found.real.os_version if found else ""


OLD_FIRST = index("10.0.17763.9", "10.0.20348.5499", "10.0.26100.4061")


@pytest.mark.parametrize(
    ("host", "containerd", "expected"),
    [
        ("17763", "2.3.4", "10.0.17763.9"),
        ("20348", "2.3.4", "10.0.20348.5499"),
        ("26100", "2.3.4", "10.0.26100.4061"),
        ("26100", "2.1.5", "10.0.20348.5499"),  # the first of the index that fits
        ("26100", "1.7.34", "10.0.20348.5499"),
        ("26100", "1.6.39", "10.0.20348.5499"),  # the larger revision
        ("26100", "1.7.5", "10.0.26100.4061"),  # its own build alone
        ("26200", "2.3.4", "10.0.26100.4061"),
        ("19045", "2.3.4", ""),
    ],
)
def test_what_a_node_gets_of_an_index(host: str, containerd: str, expected: str) -> None:
    """By the rule and the order of its containerd."""
    assert got(OLD_FIRST, host, containerd) == expected


def test_a_newer_image_that_is_passed_over_is_a_warning() -> None:
    """It compares os.version as text; five digits of a revision lose to four."""
    found = choice(index("10.0.26100.33296", "10.0.26100.4061"), "26100.33296")

    assert found.entry is not None
    assert found.entry.real.os_version == "10.0.26100.4061"
    assert found.verdict.verdict == "allow"
    (note,) = found.verdict.warnings
    assert note.text.startswith("10.0.26100.33296 would run there too and is newer")
    assert note.text.endswith("containerd compares os.version as text")
    first = choice(OLD_FIRST, "26100", "1.7.34").verdict.warnings
    assert "takes the first of the index" in first[0].text
    assert choice(OLD_FIRST, "26100").verdict.warnings == ()


def test_an_index_without_a_fitting_build_is_denied_with_what_there_is() -> None:
    """Hyper-V could run an older one, if its own digest is named."""
    old = index("10.0.17763.9", "10.0.14393.5")

    denied = choice(old, "20348")
    assert (denied.entry, denied.verdict.verdict, denied.verdict.rule) == (None, "deny", "R2")
    assert "windows/amd64/10.0.17763.9" in denied.verdict.reason
    hyperv = choice(old, "20348", isolation="hyperv")
    assert (hyperv.verdict.verdict, hyperv.verdict.rule) == ("conditional", "hyperv")
    assert hyperv.verdict.reason.endswith("would run: sha256:0")
    newer = choice(index("10.0.26100.1"), "20348", isolation="hyperv")
    assert newer.verdict.verdict == "deny"


def test_an_image_for_linux_alone_is_denied() -> None:
    """An attestation beside it is no platform to count with."""
    found = choice(image(entry(Platform(os="linux", arch="arm64")), entry(Platform())), "20348")

    assert found.entry is None
    assert found.verdict.reason == "it holds no image for Windows; there is linux/arm64, ?/?"


@pytest.mark.parametrize(
    ("platform", "taken"),
    [
        (windows("10.0.20348"), True),
        (windows(""), True),
        (windows("10.0.20348.1", variant="v3"), False),
        (windows("10.0.20348.1", arch="arm64"), False),
        (windows("10.0.20348.1", features=("win32k",)), True),
        (windows("10.0.20348.1", features=("other", "win32k")), False),
        (windows("20348.1"), False),
        (windows("10.0"), False),
        (windows("10.0.x.1"), False),
        (windows("10.0.20348.1.x"), True),
        (windows("10.0.20348.beta"), True),
        (windows("10.0.203480.1"), False),
        (windows("10.0.20348.1", os=""), True),
        (windows("", os="", arch=""), False),
        (windows("6.3.9600"), False),
    ],
)
def test_what_containerd_takes_for_the_node_s_platform(platform: Platform, *, taken: bool) -> None:
    """Anything without os.version, nothing of another architecture, no version that is none."""
    assert (choice(image(entry(platform)), "20348").entry is not None) == taken


def test_features_count_from_containerd_2_3_on() -> None:
    """Before, they were not looked at."""
    other = image(entry(windows("10.0.20348.1", features=("other",))))
    assert choice(other, "20348", "2.2.7").entry is not None


@pytest.mark.parametrize(
    ("real", "verdict", "word"),
    [
        (windows("10.0.17763.5"), "deny", "only the start of the container fails"),
        (windows("10.0.20348.5"), "allow", ""),
        (windows(""), "conditional", "HostProcess"),
        (windows("7"), "deny", "no version of Windows"),
        (windows("10.0.20348.5", arch="arm64"), "deny", "the image is for arm64"),
        (Platform(os="linux", arch="amd64"), "deny", "it is an image for linux/amd64"),
    ],
)
def test_a_single_manifest_is_taken_whatever_it_is(real: Platform, verdict: str, word: str) -> None:
    """A tag of one manifest, or a digest: containerd does not compare its platform."""
    found = choice(image(entry(None, real), kind="manifest"), "20348")

    assert found.entry is not None
    assert found.verdict.verdict == verdict
    assert word in found.verdict.reason


def test_processes_of_the_host_fit_every_build_that_is_pulled() -> None:
    """An index is picked from by the rule of containers all the same, and no other machine runs it."""

    def verdict(of: Image) -> tuple[str, str]:
        node = Node(version=Version(build=20348), matcher=matcher_of(load_support(), "2.3.4"))
        found = choose(of, node, "process", BUILDS, host_process=True).verdict
        return found.verdict, found.rule

    old = windows("10.0.17763.5")
    assert verdict(image(entry(None, old), kind="manifest")) == ("allow", "hostprocess")
    assert verdict(image(entry(windows("")))) == ("allow", "hostprocess")
    assert verdict(image(entry(old)))[0] == "deny"
    arm = windows("10.0.20348.5", arch="arm64")
    assert verdict(image(entry(None, arm), kind="manifest"))[0] == "deny"


def test_an_entry_without_a_platform_comes_last_and_must_fit() -> None:
    """If it is the only one and does not fit, nothing else is tried."""
    bare = entry(None, windows("10.0.20348.9"), 1)
    found = choice(image(bare, entry(windows("10.0.20348.1"), number=2)), "20348")
    assert found.entry is not None
    assert found.entry.digest == "sha256:2"
    assert got(image(bare), "20348") == "10.0.20348.9"
    wrong = entry(None, windows("10.0.17763.1"))
    assert got(image(wrong, bare), "20348") == ""


@pytest.mark.parametrize(
    ("nested", "containerd", "expected"),
    [
        (None, "2.3.4", "10.0.20348.1"),  # an index without a platform comes last
        (None, "2.0.0", "10.0.20348.1"),
        (windows("10.0.26100.5"), "2.3.4", "10.0.26100.3"),
        (windows("10.0.26100.5"), "2.0.0", "10.0.26100.3"),
        (windows("10.0.26100.5"), "1.7.5", "10.0.26100.3"),
        (windows("10.0.17763.5"), "2.3.4", "10.0.20348.1"),
        (windows("10.0.26100.5", arch="arm64"), "2.3.4", "10.0.20348.1"),
    ],
)
def test_of_an_index_below_the_index_one_is_taken_too(
    nested: Platform | None, containerd: str, expected: str
) -> None:
    """Each index is limited to one of what it lists; what is below does not compete."""
    within = (Nested(digest="sha256:n", listed=nested),)
    below = [replace(entry(windows(f"10.0.26100.{n}")), within=within) for n in (3, 2)]
    both = image(*below, entry(windows("10.0.20348.1")))

    assert got(both, "26100", containerd) == expected
    assert got(image(*below), "26100", containerd) == (
        "" if nested and (nested.arch == "arm64" or "17763" in str(nested)) else "10.0.26100.3"
    )


def test_an_index_that_is_taken_and_holds_nothing_that_fits_gives_nothing() -> None:
    """There is no way back to what stood beside it."""
    within = (Nested(digest="sha256:n", listed=windows("10.0.26100.9")),)
    below = replace(entry(windows("10.0.17763.1")), within=within)
    assert got(image(below, entry(windows("10.0.20348.1"))), "26100") == ""
    passed_over = (Nested(digest="sha256:n"),)
    newer = replace(entry(windows("10.0.26100.1")), within=passed_over)
    (note,) = choice(image(newer, entry(windows("10.0.20348.1"))), "26100").verdict.warnings
    assert note.text.endswith("looks nowhere else")


def test_an_entry_that_hides_its_build_fails_only_at_the_start() -> None:
    """It is taken for any build; its config says another."""
    found = choice(image(entry(windows(""), windows("10.0.26100.1"))), "20348")

    assert found.verdict.verdict == "deny"
    assert "only the start of the container fails" in found.verdict.reason


def pod(**spec: object) -> dict[str, object]:
    """Give a pod of one container."""
    return {"kind": "Pod", "spec": {"containers": [{"image": "a.example/b:1"}], **spec}}


def term(operator: str, *values: str) -> dict[str, object]:
    """Give a term of a node affinity about the system."""
    rule = {"key": "kubernetes.io/os", "operator": operator, "values": list(values)}
    return {"matchExpressions": [rule]}


def names(objects: list[object]) -> list[str]:
    """Name the images of objects."""
    return [row.name for row in images_of(objects)]


def affinity(*terms: object) -> dict[str, object]:
    """Give a required node affinity."""
    required = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}
    }
    return {"affinity": {"nodeAffinity": required}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, True),
        ({"nodeSelector": {"kubernetes.io/os": "linux"}}, False),
        ({"nodeSelector": {"beta.kubernetes.io/os": "linux"}}, False),
        ({"os": {"name": "linux"}}, False),
        (affinity(term("In", "linux")), False),
        (affinity(term("In", "linux"), term("In", "windows", "linux")), True),
        (affinity(term("NotIn", "windows")), False),
        (affinity(term("Exists")), True),
        ({"affinity": None, "nodeSelector": [], "os": 5}, True),
    ],
)
def test_pods_bound_to_another_system_are_left_out(
    spec: dict[str, object], *, expected: bool
) -> None:
    """Those that say nothing may come to a Windows node."""
    assert names([pod(**spec)]) == (["a.example/b:1"] if expected else [])


def test_images_are_found_wherever_a_pod_is_described() -> None:
    """In lists, templates and cron jobs; init containers too, each image once."""
    template = {"spec": {"initContainers": [{"image": "a/init"}], "containers": [{"image": "a/b"}]}}
    job = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template}}}}
    deployment = {"kind": "Deployment", "spec": {"template": template}}
    found = names([{"kind": "List", "items": [job, deployment, None, "text", 5]}])

    assert found == ["a/init", "a/b"]


def test_an_image_is_told_with_what_its_pod_is_bound_to() -> None:
    """A build by the node selector, and whether its processes are the host's."""
    of_host: dict[str, object] = {"windowsOptions": {"hostProcess": True}}
    bound = pod(nodeSelector={"node.kubernetes.io/windows-build": "10.0.20348"})
    agent = {"containers": [{"image": "a.example/b:1", "securityContext": of_host}]}
    found = images_of([bound, agent, pod(securityContext=of_host), pod(nodeSelector={"x": 1})])

    assert {(row.builds, row.host_process) for row in found} == {
        ((20348,), False),
        ((), True),
        ((), False),
    }


def test_objects_without_end_have_one() -> None:
    """YAML's aliases can make an object that holds itself."""
    loop: dict[str, object] = {"containers": 5}
    loop["again"] = [loop, loop]

    assert images_of([loop, {"containers": [{"image": 5}, 7, {}]}]) == ()
