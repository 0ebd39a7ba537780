"""The cases of test_checks for the machine, its features, services and policy."""

from __future__ import annotations

from typing import Any

from check_cases import GONE, Path

FILTER = {"name": "vendorflt", "altitude": "not a number"}
# HNS as Windows Server 2022 shows it.
CRASHES = [{"service": "Host Network Service", "at": "2026-11-29T01:02:03Z"}]
# These only tell; nothing can be wrong with what they tell.
TOLD = {
    "sec.defender",
    "sec.secureboot",
    "svc.hns.state",
    "sys.8dot3",
    "sys.locale",
}
DEFENDER = ("protection", "defender")
SETTINGS = ("settings",)
# id, place of the fact, value that fails, words of the evidence
HOST_FAILING: list[tuple[str, Path, Any, str]] = [
    ("os.eval", ("os", "edition"), "ServerStandardEval", "ServerStandardEval"),
    ("os.installtype", ("os", "install_type"), "", "no named type"),
    ("os.ubr.bad", ("os", "ubr"), 2582, "20348.2762 or later is needed"),
    ("os.wu", ("updates", "au_options"), 4, "AUOptions 4"),
    ("os.insider", ("updates", "flight_branch"), "Dev", "Dev"),
    ("sys.disk", ("disks", "volumes", 0, "free_bytes"), 9 << 30, "9 GiB free"),
    ("sys.vsmb", (*SETTINGS, "container_switches"), {"zzTest": "0"}, "zzTest is 0"),
    ("sys.dedup", (*SETTINGS, "folders", 0, "attributes"), 0x4010, "encrypted"),
    ("sys.dedup", (*SETTINGS, "dedup_volumes"), ["c:"], "deduplicated"),
    ("sys.longpaths", (*SETTINGS, "long_paths"), None, "260"),
    ("sys.power", (*SETTINGS, "power_plan"), "", "balanced"),
    ("sys.power", (*SETTINGS, "power_plan"), "12345678-0000", "12345678-0000"),
    ("sys.pagefile", (*SETTINGS, "page_files"), None, "no page file"),
    ("sys.tools", (*SETTINGS, "missing_tools"), ["tar.exe", "xcopy.exe"], "tar.exe, xcopy.exe"),
    ("svc.hns.stable", ("platform", "crashes"), CRASHES, "2026-11-29T01"),
    ("svc.vfp", ("platform", "drivers", "vfpext"), 4, "driver vfpext is disabled"),
    ("svc.filters", ("platform", "drivers", "bindflt"), 4, "bindflt is disabled"),
    ("svc.winnat", ("platform", "drivers", "winnat"), None, "no driver winnat"),
    ("svc.dns", ("services", "services", "dnscache"), GONE, "missing"),
    ("svc.dns", ("services", "services", "dnscache", "start_mode"), "Disabled", "disabled"),
    ("svc.time", ("services", "services", "w32time"), GONE, "missing"),
    ("svc.bfe", ("services", "services", "bfe", "state"), "Stopped", "BFE is stopped"),
    ("sec.execpol", ("policy", "execution_policy"), "Restricted", "no script file"),
    ("sec.fips", ("policy", "fips"), 1, "FIPS"),
    ("sec.roots", ("protection", "no_root_update"), 1, "DisableRootAutoUpdate"),
    ("sec.logging", ("protection", "module_log"), 1, "arguments of cmdlets"),
    ("sec.netfx.tls", ("protection", "net_system_tls"), [None, 0], "(32-bit) is 0"),
    ("sec.netfx.tls", ("protection", "net_release"), None, "not set"),
    ("sec.av.filters", ("protection", "filters", 0), {**FILTER, "name": "cbfs20"}, "cbfs20"),
    ("sec.defender.lock", (*DEFENDER, "no_local_merge"), 1, "DisableLocalAdminMerge"),
]
# id, place of a fact without which the check cannot say
HOST_UNKNOWN: list[tuple[str, Path]] = [
    ("os.edition", ("os", "sku")),
    ("os.eval", ("os", "edition")),
    ("os.installtype", ("os", "install_type")),
    ("os.lifecycle", ("os", "build")),
    ("os.ubr.min", ("os", "ubr")),
    ("os.ubr.bad", ("os", "ubr")),
    ("os.ubr.image", ("os", "build")),
    ("os.featureoverrides", ("updates", "overrides")),
    ("os.wu", ("updates", "no_auto_update")),
    ("os.insider", ("updates", "flight_branch")),
    ("sys.disk", ("disks", "volumes")),
    ("sys.dedup", (*SETTINGS, "folders")),
    ("sys.vsmb", (*SETTINGS, "container_switches")),
    ("sys.longpaths", (*SETTINGS, "long_paths")),
    ("sys.8dot3", (*SETTINGS, "no_short_names")),
    ("sys.pagefile", (*SETTINGS, "page_files")),
    ("sys.power", (*SETTINGS, "power_plan")),
    ("sys.tools", (*SETTINGS, "missing_tools")),
    ("sys.locale", (*SETTINGS, "code_page")),
    ("feat.vmswitch", ("features", "states", "Hyper-V-PowerShell")),
    ("virt.present", ("hardware", "hypervisor_present")),
    ("virt.vt", ("hardware", "virtualization_enabled")),
    ("virt.slat", ("hardware", "second_level_paging")),
    ("virt.launch", ("platform", "hypervisor_launch")),
    ("virt.nested", ("hardware", "model")),
    ("virt.platform", ("hardware", "manufacturer")),
    ("svc.hns.stable", ("platform", "crashes")),
    ("svc.hns.state", ("services", "hns_state")),
    ("svc.vfp", ("platform", "drivers")),
    ("svc.filters", ("platform", "drivers", "wcifs")),
    ("svc.winnat", ("platform", "drivers", "winnat")),
    ("svc.dns", ("services", "services")),
    ("svc.hns.compartments", ("services", "hns_state")),
    ("svc.time", ("services", "services")),
    ("svc.bfe", ("services", "services")),
    ("sec.execpol", ("policy", "scripts_enabled")),
    ("sec.fips", ("policy", "fips")),
    ("sec.hvci", ("policy", "code_integrity")),
    ("sec.applocker", ("protection", "applocker")),
    ("sec.defender", DEFENDER),
    ("sec.defender.excl", (*DEFENDER, "excluded")),
    ("sec.defender.lock", (*DEFENDER, "tamper_exclusions")),
    ("sec.defender.lock", (*DEFENDER, "tamper_protection")),
    ("sec.av.filters", ("protection", "filters")),
    ("sec.logging", ("protection", "transcription")),
    ("sec.netfx.tls", ("protection", "net_strong")),
    ("sec.roots", ("protection", "no_root_update")),
    ("sec.secureboot", ("protection", "secure_boot")),
]
