"""What the node gets of the images that it is to run, as their registries answered this host."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from wincnode.builds import load_builds
from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.events import printable
from wincnode.facts import Facts
from wincnode.images.choose import Choice, Node, choose, version
from wincnode.images.named import Pull
from wincnode.images.offer import Image
from wincnode.isolation import AMD64, Isolation, Version
from wincnode.support import load_support, matcher_of

# Win32_Processor.Architecture: MicrosoftDocs/win32:desktop-src/CIMWin32Prov/win32-processor.md
_ARCHITECTURES = {9: AMD64, 12: "arm64"}
_NAMED = 100
Worth = Literal["good", "fair", "bad", "dark"]
# What explains that nothing runs there.
_CAUSES = ("os.build", "os.arch", "img.auth")

# The tables do not change while a program runs, and a fleet asks for them for each of its nodes.
_builds = cache(load_builds)
_support = cache(load_support)


def _node(facts: Facts, wanted: Wanted) -> Node:
    os = facts.known("os")
    support = _support()
    containerd = wanted.containerd or list(support.containerd)[-1]
    return Node(
        version=Version(build=os.number("build"), revision=os.number("ubr")),
        matcher=matcher_of(support, containerd),
        arch=_ARCHITECTURES.get(facts.known("hardware").number("architecture"), "another"),
    )


def _pulls(wanted: Wanted, node: Node) -> Iterator[Pull]:
    """Give the images that are for the node's build."""
    for pull in wanted.images or ():
        if not pull.named.builds or node.version.build in pull.named.builds:
            yield pull


def _isolations(wanted: Wanted) -> tuple[Isolation, ...]:
    return ("process", "hyperv") if wanted.hyperv else ("process",)


def _host(facts: Facts, wanted: Wanted) -> Outcome:
    node = _node(facts, wanted)
    pulls = [pull for pull in _pulls(wanted, node) if pull.named.role != "pause"]
    told = [_of_pod(pull, node, wanted) for pull in pulls]
    return _outcome(told, "no image is named")


def _pause(facts: Facts, wanted: Wanted) -> Outcome:
    node = _node(facts, wanted)
    pulls = [pull for pull in _pulls(wanted, node) if pull.named.role == "pause"]
    told = [_of_sandbox(pull, node, wanted) for pull in pulls]
    return _outcome(told, "no sandbox image is named for this build")


def _outcome(told: list[tuple[Worth, str]], nothing: str) -> Outcome:
    """Fold what is said of each image: the worst decides, and is told first."""
    order: tuple[Worth, ...] = ("bad", "fair", "dark", "good")
    words = [word for word, _ in told]
    texts = [text for worth in order for word, text in told if word == worth]
    # Of what is wrong, what is right is no part.
    wrong = [text for text in texts if ("good", text) not in told] or texts
    if "bad" in words:
        return failed("; ".join(wrong), because=_CAUSES)
    if "fair" in words:
        return failed("; ".join(wrong), because=_CAUSES, severity=Severity.WARNING)
    if "dark" in words:
        return unknown("; ".join(wrong))
    return passed("; ".join(texts) or nothing)


def _unread(pull: Pull) -> tuple[Worth, str]:
    text = f"{_name(pull)}: {pull.reason}"
    return ("bad" if pull.failure == "missing" else "dark"), text


def _of_pod(pull: Pull, node: Node, wanted: Wanted) -> tuple[Worth, str]:
    """Say what becomes of an image in the isolation that suits it best."""
    if pull.image is None:
        return _unread(pull)
    process, *hyperv = [
        choose(pull.image, node, isolation, _builds(), host_process=pull.named.host_process)
        for isolation in _isolations(wanted)
    ]
    if process.verdict.verdict == "allow":
        return _revision(pull, process, node) or ("good", _gets(pull, process))
    if process.verdict.verdict == "conditional":
        return "fair", f"{_name(pull)}: {process.verdict.reason}"
    for choice in hyperv:
        if choice.verdict.verdict != "deny":
            hint = f"{choice.verdict.reason}" if choice.verdict.verdict == "conditional" else ""
            return "fair", f"{_name(pull)} runs Hyper-V-isolated alone{': ' * bool(hint)}{hint}"
    return "bad", f"{_name(pull)}: {process.verdict.reason}"


def _of_sandbox(pull: Pull, node: Node, wanted: Wanted) -> tuple[Worth, str]:
    """Say what becomes of the sandbox's image in every isolation that is wanted."""
    if pull.image is None:
        return _unread(pull)
    for isolation in _isolations(wanted):
        choice = _chosen(pull.image, node, isolation)
        if choice.verdict.verdict != "allow":
            worth: Worth = "bad" if choice.verdict.verdict == "deny" else "fair"
            return worth, f"{_name(pull)}, {isolation} isolation: {choice.verdict.reason}"
        if isolation == "hyperv" and (own := _version(choice)) and own.build != node.version.build:
            # The utility VM boots the sandbox's build, and refuses newer images.
            # Source: kubernetes-sigs/windows-testing:capz/templates/gmsa-ci.yaml
            text = f"{_gets(pull, choice)}, and a utility VM of that build takes no newer image"
            return "fair", text
    return "good", _gets(pull, choice)


def _chosen(image: Image, node: Node, isolation: Isolation) -> Choice:
    return choose(image, node, isolation, _builds())


def _revision(pull: Pull, choice: Choice, node: Node) -> tuple[Worth, str] | None:
    """Warn of an image that is newer than its host's updates.

    Source: microsoft/Windows-Containers#591; actions/runner-images#11582
    """
    own = _version(choice)
    if own is None or own.build != node.version.build or pull.named.host_process:
        return None
    if (own.revision or 0) <= (node.version.revision or 0):
        return None
    text = f"{_gets(pull, choice)}, which is newer than the host's {node.version}"
    return "fair", f"{text}: such containers of servercore ended with 0xc0370106"


def _version(choice: Choice) -> Version | None:
    return version(choice.entry.real) if choice.entry else None


def _gets(pull: Pull, choice: Choice) -> str:
    return f"{_name(pull)} gives it {_version(choice) or 'a manifest without os.version'}"


def _name(pull: Pull) -> str:
    return printable(pull.named.name, limit=_NAMED)


def _foreign(facts: Facts, wanted: Wanted) -> Outcome:
    node = _node(facts, wanted)
    elsewhere: list[str] = []
    there = [(pull, pull.image) for pull in _pulls(wanted, node)]
    read = [(pull, image) for pull, image in there if image is not None]
    for pull, image in read:
        entry = _chosen(image, node, "process").entry
        hosts = sorted(set(map(_host_of, entry.foreign))) if entry else []
        if hosts:
            where = printable(", ".join(hosts), limit=_NAMED)
            elsewhere.append(f"{_name(pull)} has layers at {where}")
    if elsewhere:
        return failed("; ".join(elsewhere))
    if there and not read:
        return unknown("no image could be read")
    return passed("each image has all its layers with it" if read else "no image is named")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc or url
    except ValueError:  # Whoever made the image wrote it.
        return url


def _auth(facts: Facts, wanted: Wanted) -> Outcome:
    there = list(_pulls(wanted, _node(facts, wanted)))
    refused = [pull for pull in there if pull.failure == "refused"]
    if refused:
        told = "; ".join(f"{_name(pull)}: {pull.reason}" for pull in refused)
        # Pods bring credentials of their own; nobody does for the sandbox.
        always = any(pull.named.role == "pause" for pull in refused)
        return failed(told, severity=Severity.ERROR if always else Severity.WARNING)
    if there and not any(pull.image or pull.failure == "missing" for pull in there):
        return unknown("no registry could be asked")
    return passed("no registry refused" if there else "no image is named")


CHECKS = (
    Check(
        id="img.host",
        title="Images have a manifest for the node",
        severity=Severity.ERROR,
        proves="Of each image, of the cluster's network and of preflight.images, containerd takes "
        "one that runs on this build and revision.",
        remedy="Name a tag that holds the node's build: wincnode compat IMAGE tells what there is; "
        "build the image for it, or update the node where the image is newer.",
        source="containerd/platforms:platform_windows_compat.go; learn.microsoft.com/"
        "virtualization/windowscontainers/deploy-containers/version-compatibility",
        needs=("os", "hardware"),
        asks="images",
        run=_host,
    ),
    Check(
        id="img.pause",
        title="The sandbox image has a manifest for the node",
        severity=Severity.ERROR,
        proves="Pods can start: containerd takes a pause image of a build that runs here, in every "
        "isolation that is wanted.",
        remedy="Name one in runtime.sandbox_image that holds the node's build: "
        "registry.k8s.io/pause:3.10.2 holds 17763, 20348 and 26100; a mirror must keep the index "
        "whole.",
        source="kubernetes/kubernetes:build/pause/CHANGELOG.md; "
        "kubernetes-sigs/windows-testing:capz/templates/gmsa-ci.yaml@6ae69880",
        needs=("os", "hardware"),
        asks="images",
        run=_pause,
    ),
    Check(
        id="img.foreign",
        title="Layers lie in the image's own registry",
        severity=Severity.WARNING,
        proves="A pull needs no other host: no layer of what the node gets has addresses (urls).",
        remedy="Let nodes reach these hosts, or push the image anew with its base layers: docker "
        "image push after allow-nondistributable-artifacts, or a current base image.",
        source="opencontainers/image-spec:layer.md; "
        "https://techcommunity.microsoft.com/blog/containers/ba-p/3846833",
        needs=("os", "hardware"),
        asks="images",
        run=_foreign,
    ),
    Check(
        id="img.auth",
        title="Registries let images be read",
        severity=Severity.ERROR,
        proves="Nobody asks for a login at the sandbox image, for which nodes have none, and the "
        "login of this host is good for the others.",
        remedy="docker login REGISTRY on this host; for pods an imagePullSecret; for the sandbox "
        "image a registry or mirror that asks for no login.",
        source="distribution/distribution:docs/spec/auth/token.md; "
        "https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod",
        needs=("os", "hardware"),
        asks="images",
        run=_auth,
    ),
)
