"""Updates: which Windows has, how it gets further ones, disputed settings, versions with holes."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts
from wincnode.updates import Override, Update, UpdateKind, Updates, load_updates

_DATA = "wincnode/data/updates.yaml"
_SCHEDULED, _BY_ADMINISTRATORS = 4, 5  # AUOptions


def _rows(wanted: Wanted) -> Updates:
    return wanted.updates or load_updates()


def _concern(update: Update, wanted: Wanted) -> bool:
    """Tell whether a row matters in the wanted cluster."""
    networks = update.networks
    return (not networks or wanted.network in networks) and (wanted.overlay or not update.overlay)


def _hits(facts: Facts, wanted: Wanted, kind: UpdateKind) -> tuple[str, tuple[Update, ...]]:
    """Give the node's version and the rows of a kind that its revision is among."""
    build, revision = facts.known("os").number("build"), facts.known("os").number("ubr")
    hits = tuple(
        row
        for row in _rows(wanted).updates
        if (row.kind, row.build) == (kind, build)
        and _concern(row, wanted)
        and row.concerns(revision)
    )
    return f"{build}.{revision}", hits


def _told(version: str, hits: tuple[Update, ...]) -> str:
    """Say what the rows say, and from which revision on it is so no more."""
    until = [row.below for row in hits if row.below is not None]
    mended = f"; {version.partition('.')[0]}.{max(until)} or later is needed" if until else ""
    effects = "; ".join(f"{row.effect} [{row.id}, {row.date}]" for row in hits)
    return f"Windows is {version}: {effects}{mended}"


def _needed(facts: Facts, wanted: Wanted) -> Outcome:
    version, hits = _hits(facts, wanted, "needed")
    return failed(_told(version, hits)) if hits else passed(f"{version} has all needed updates")


def _bad(facts: Facts, wanted: Wanted) -> Outcome:
    version, hits = _hits(facts, wanted, "bad")
    return failed(_told(version, hits)) if hits else passed(f"{version} is not known to be broken")


def _image(facts: Facts, wanted: Wanted) -> Outcome:
    version, hits = _hits(facts, wanted, "image")
    return failed(_told(version, hits)) if hits else passed(f"{version} starts current images")


def _overrides(facts: Facts, wanted: Wanted) -> Outcome:
    build = facts.known("os").number("build")
    found = facts.known("updates").section("overrides")
    there = {name: found.text(name) for name in found.data}
    rows = [row for row in _rows(wanted).overrides if row.build == build]
    disputed = [_dispute(row, there[row.id]) for row in rows if row.disputed and row.id in there]
    if disputed:
        return failed("; ".join(disputed), severity=Severity.WARNING)
    missing = list(_missing(rows, there))
    if missing:
        return failed("; ".join(missing))
    shown = ", ".join(f"{name} is {value}" for name, value in sorted(there.items()))
    open_ = [_dispute(row, "") for row in rows if row.disputed]
    return passed("; ".join([shown or "no override is set", *open_]))


def _dispute(row: Override, value: str) -> str:
    recipes = ", ".join(f"{recipe.by} sets {recipe.value}" for recipe in row.recipes)
    return f"{row.id} is {value or 'not set'}, and recipes differ: {recipes} ({row.effect})"


def _missing(rows: list[Override], there: dict[str, str]) -> Iterator[str]:
    for row in rows:
        recipe = row.recipes[0]
        if not row.disputed and there.get(row.id) != str(recipe.value):
            have = there.get(row.id, "not set")
            yield f"{row.id} is {have}; {recipe.by} sets {recipe.value} ({row.effect})"


def _automatic(facts: Facts, _wanted: Wanted) -> Outcome:
    updates = facts.known("updates")
    if updates.setting("no_auto_update") == 1:
        return passed("policy turns automatic updates off")
    option = updates.setting("au_options")
    if option == _SCHEDULED:
        return failed("policy installs updates by schedule (AUOptions 4), and reboots for them")
    if option == _BY_ADMINISTRATORS:
        return failed("policy leaves it to administrators of the machine (AUOptions 5)")
    if option is None:
        return passed("no policy; by itself Windows Server installs none without an administrator")
    return passed(f"policy waits for an administrator (AUOptions {option})")


def _insider(facts: Facts, _wanted: Wanted) -> Outcome:
    updates = facts.known("updates")
    branch, build = updates.text("flight_branch"), updates.text("build_lab")
    if branch and updates.setting("flight_builds") != 0:
        return failed(f"the machine takes part in a preview: {branch}; its build is {build}")
    return passed(build or "no preview")


def _versions(_facts: Facts, wanted: Wanted) -> Outcome:
    versions = {"kubelet": wanted.kubernetes, "containerd": wanted.containerd}
    known = _rows(wanted)
    hits = [
        row
        for row in known.vulnerabilities
        if versions[row.component] and row.concerns(versions[row.component])
    ]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if not hits:
        text = f"no hole of {shown} is known as of {known.as_of}" if shown else "none is named"
        return passed(text)
    told = "; ".join(
        f"{row.component} {versions[row.component]} has {row.id}: {row.effect} (fixed in "
        f"{', '.join(row.fixed)})"
        for row in hits
    )
    severe = any(row.severity == "error" for row in hits)
    return failed(told, severity=Severity.ERROR if severe else Severity.WARNING)


CHECKS = (
    Check(
        id="os.ubr.min",
        title="Windows has the updates that containers need",
        severity=Severity.WARNING,
        proves="What the cluster's network does was mended on this revision.",
        remedy="Install the current cumulative update, by Windows Update or wusa.exe FILE.msu "
        "/quiet, and reboot.",
        source=_DATA,
        needs=("os",),
        run=_needed,
    ),
    Check(
        id="os.ubr.bad",
        title="No update is known to break containers",
        severity=Severity.WARNING,
        proves="Pods of others on this revision have a network, and layers that open.",
        remedy="Install a later cumulative update and reboot; where there is none, take this one "
        "back: DISM /Online /Remove-Package /PackageName:NAME.",
        source=_DATA,
        needs=("os",),
        run=_bad,
    ),
    Check(
        id="os.ubr.image",
        title="Windows is as new as current images",
        severity=Severity.WARNING,
        proves="Base images of these months start on this revision.",
        remedy="Install the current cumulative update and reboot, or pin images of the host's own "
        "month; wincnode compat IMAGE judges one image.",
        source=_DATA,
        needs=("os",),
        run=_image,
    ),
    Check(
        id="os.featureoverrides",
        title="Overrides of features are agreed upon",
        severity=Severity.INFO,
        proves="Nobody's recipe turns on what another's turns off.",
        remedy="Read the sources of the row in wincnode/data/updates.yaml and decide; wincnode "
        "sets none: reg add HKLM\\SYSTEM\\CurrentControlSet\\Policies\\Microsoft\\"
        "FeatureManagement\\Overrides /v ID /t REG_DWORD /d VALUE, then reboot.",
        source="kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/systemprep/tasks/"
        "main.yml@ae63061e; Azure/AgentBaker:vhdbuilder/packer/windows/windows_settings.json"
        "@06836ee2",
        needs=("os", "updates"),
        run=_overrides,
    ),
    Check(
        id="os.wu",
        title="Windows does not reboot by itself for updates",
        severity=Severity.WARNING,
        proves="Nodes are drained before they reboot.",
        remedy="Set the policy: reg add HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\"
        "WindowsUpdate\\AU /v NoAutoUpdate /t REG_DWORD /d 1; and update by a window of your own.",
        source="kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/systemprep/tasks/"
        "main.yml@06dac3c7; https://learn.microsoft.com/windows-server/administration/"
        "windows-server-update-services/deploy/4-configure-group-policy-settings-for-automatic-"
        "updates",
        needs=("updates",),
        run=_automatic,
    ),
    Check(
        id="os.insider",
        title="Windows is no preview",
        severity=Severity.WARNING,
        proves="The build is one that images and Kubernetes were tested with.",
        remedy="Install a released Windows Server.",
        source="https://learn.microsoft.com/windows-insider/business/manage-builds",
        needs=("updates",),
        run=_insider,
    ),
    Check(
        id="sec.versions",
        title="The wanted versions have no known holes",
        severity=Severity.ERROR,
        proves="What the inventory wants is above the floors of known vulnerabilities.",
        remedy="Raise cluster.kubernetes or runtime.containerd of the inventory to a version that "
        "is fixed.",
        source=_DATA,
        needs=(),
        run=_versions,
    ),
)
