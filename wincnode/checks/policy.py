"""What policy forbids: firewall rules, rights, scripts, TLS 1.2, unsigned programs, algorithms."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import FactMissing, Facts

_ENFORCED = 2  # Win32_DeviceGuard: 0 off, 1 audit, 2 enforced
# learn.microsoft.com/dotnet/api/microsoft.powershell.commands.deviceguardsoftwaresecure
_SECURITY_SERVICES = {1: "Credential Guard", 2: "HVCI"}


def _merge(facts: Facts, _wanted: Wanted) -> Outcome:
    firewall = facts.known("policy").section("firewall")
    # All profiles count: a new vEthernet adapter can be of another profile than its parent.
    blocked = []
    for name in ("domain", "private", "public"):
        profile = firewall.section(name)
        on = profile.setting("enabled") != 0
        if on and profile.setting("local_rules") == 0:
            blocked.append(f"{name} takes no local rules")
        if on and profile.setting("block_all_inbound") == 1:
            blocked.append(f"{name} blocks all inbound traffic")
    return failed("; ".join(blocked)) if blocked else passed("local firewall rules take effect")


def _admin(facts: Facts, _wanted: Wanted) -> Outcome:
    if facts.known("policy").flag("elevated"):
        return passed("the account has an administrator's full token")
    return failed("the account is no administrator, or its token is filtered")


def _language_mode(facts: Facts, _wanted: Wanted) -> Outcome:
    mode = facts.known("policy").text("language_mode")
    if mode == "FullLanguage":
        return passed(mode)
    return failed(f"PowerShell runs in {mode}", because=("sec.wdac",))


def _execution_policy(facts: Facts, _wanted: Wanted) -> Outcome:
    policy = facts.known("policy")
    name = policy.text("execution_policy")
    if policy.setting("scripts_enabled") == 0 or name == "Restricted":
        return failed("group policy lets no script file run")
    if name == "AllSigned":
        text = "group policy lets signed script files run alone"
        return failed(text, severity=Severity.WARNING)
    return passed(f"group policy sets {name}" if name else "group policy sets none")


def _fips(facts: Facts, _wanted: Wanted) -> Outcome:
    if facts.known("policy").setting("fips"):
        return failed("the FIPS policy is on")
    return passed("the FIPS policy is off")


def _isolated_core(facts: Facts, _wanted: Wanted) -> Outcome:
    integrity = facts.known("policy").section("code_integrity")
    if error := integrity.text("error"):
        raise FactMissing(f"Device Guard is unknown: {error}")
    numbers = [number for number in integrity.value("services") if number]
    names = [_SECURITY_SERVICES.get(number, f"service {number}") for number in numbers]
    return passed(", ".join([*names, "running"]) if names else "none runs")


def _tls12(facts: Facts, _wanted: Wanted) -> Outcome:
    client = facts.known("policy").section("tls12_client")
    if client.setting("enabled") == 0:
        return failed("TLS 1.2 is disabled for clients")
    if client.setting("disabled_by_default"):
        return failed("TLS 1.2 is disabled by default for clients")
    return passed("TLS 1.2 is usable")


def _wdac(facts: Facts, _wanted: Wanted) -> Outcome:
    integrity = facts.known("policy").section("code_integrity")
    user = integrity.setting("user")
    if user is None:
        raise FactMissing(f"code integrity is unknown: {integrity.text('error') or 'no value'}")
    if user == _ENFORCED:
        return failed("App Control for Business is enforced for programs")
    return passed("no policy for programs is enforced")


CHECKS = (
    Check(
        id="fw.merge",
        title="Local firewall rules take effect",
        severity=Severity.ERROR,
        proves="The rules that Kubernetes needs can be made on the node.",
        remedy="Let the group policy merge local rules (Apply local firewall rules: Yes) and "
        "allow inbound rules, or turn that policy off for the nodes.",
        source="https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/"
        "2c979624-900a-4b6e-b4ef-09b387cd62ab",
        needs=("policy",),
        run=_merge,
    ),
    Check(
        id="sec.admin",
        title="The account is an administrator",
        severity=Severity.ERROR,
        proves="Features, services and networks can be changed.",
        remedy="Use the built-in Administrator or a domain administrator; for other local "
        "accounts set LocalAccountTokenFilterPolicy to 1.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks_windows.go",
        needs=("policy",),
        run=_admin,
    ),
    Check(
        id="sec.langmode",
        title="PowerShell is in full language mode",
        severity=Severity.ERROR,
        proves="The node's scripts may use .NET.",
        remedy="Allow wincnode's scripts by their hashes, or exempt the account from the policy.",
        source="https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/"
        "about_language_modes",
        needs=("policy",),
        run=_language_mode,
    ),
    Check(
        id="sec.execpol",
        title="Group policy lets script files run",
        severity=Severity.ERROR,
        proves="Scripts of networks and of kube-proxy run; wincnode's own are no files.",
        remedy="Set the policy 'Turn on Script Execution' to local and remote signed scripts "
        "(RemoteSigned) for the nodes, or sign the scripts of the network.",
        source="https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/"
        "about_execution_policies",
        needs=("policy",),
        run=_execution_policy,
    ),
    Check(
        id="sec.fips",
        title="The FIPS policy is off",
        severity=Severity.WARNING,
        proves="Programs may use algorithms that were not validated.",
        remedy="Use builds of the runtime and of Kubernetes that were validated, or reg add HKLM\\"
        "SYSTEM\\CurrentControlSet\\Control\\Lsa\\FipsAlgorithmPolicy /v Enabled /t REG_DWORD "
        "/d 0.",
        source="Azure/AgentBaker:staging/cse/windows/configfunc.ps1@06836ee2",
        needs=("policy",),
        run=_fips,
    ),
    Check(
        id="sec.hvci",
        title="What guards the kernel is known",
        severity=Severity.INFO,
        proves="It is known whether test-signed drivers, such as those of Open vSwitch, can load.",
        remedy="Use signed drivers alone where HVCI runs.",
        source="https://learn.microsoft.com/windows/security/hardware-security/enable-"
        "virtualization-based-protection-of-code-integrity; antrea-io/antrea:docs/windows.md",
        needs=("policy",),
        run=_isolated_core,
    ),
    Check(
        id="sec.tls12",
        title="TLS 1.2 is usable",
        severity=Severity.ERROR,
        proves="Downloads and the API server can be reached.",
        remedy="Delete the values Enabled and DisabledByDefault under SCHANNEL\\Protocols\\"
        "TLS 1.2\\Client and reboot.",
        source="https://learn.microsoft.com/windows-server/security/tls/tls-registry-settings",
        needs=("policy",),
        run=_tls12,
    ),
    Check(
        id="sec.wdac",
        title="Programs are not held back by App Control",
        severity=Severity.ERROR,
        proves="containerd, the kubelet and CNI plugins may start.",
        remedy="Add the programs to the policy, or set it to audit; then --ignore sec.wdac.",
        source="https://learn.microsoft.com/windows/security/hardware-security/"
        "enable-virtualization-based-protection-of-code-integrity",
        needs=("policy",),
        run=_wdac,
    ),
)
