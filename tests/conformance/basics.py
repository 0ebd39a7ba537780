"""Files, folders, the registry, services, firewall rules and waits."""

from __future__ import annotations

from conformance.case import (
    ENVIRONMENT,
    READY,
    Case,
    both,
    folder,
    link,
    program,
    service,
    text,
    value,
)

RULES = (
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
)
POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile"
SYSTEM_ONLY = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
EVERYBODY = "O:BAG:BAD:P(A;OICI;FA;;;WD)"


KUBELET = {
    "state": "running",
    "start": "auto",
    "command": r"C:\k\kubelet.exe --config C:\k\kubelet.yaml",
    "display_name": "kubelet",
    "account": "LocalSystem",
    "depends_on": ["hns"],
    "restart_after_s": 10,
}
RULE = {
    "state": "present",
    "display_name": "kubelet",
    "enabled": True,
    "direction": "Inbound",
    "action": "Allow",
    "protocol": "TCP",
    "local_port": ["10250", "30000-32767"],
    "remote_address": ["10.1.1.1", "10.0.0.0/8"],
    "profile": ["Private", "Domain"],
}
RULE_TEXT = (
    "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Private|Profile=Domain|LPort=10250|"
    "LPort2_10=30000-32767|RA4=10.1.1.1|RA4=10.0.0.0/255.0.0.0|Name=kubelet|"
)
REG = r"HKLM:\SOFTWARE\wincnode"

CASES = (
    Case(
        id="directory absent", kind="directory", key={"path": r"C:\a1\b"}, want={"state": "present"}
    ),
    Case(
        id="directory absent with rights",
        kind="directory",
        key={"path": r"C:\a2"},
        want={"state": "present", "sddl": SYSTEM_ONLY},
    ),
    Case(
        id="directory present",
        kind="directory",
        key={"path": r"c:\A3"},
        want={"state": "present"},
        before=folder(r"C:\a3"),
    ),
    Case(
        id="directory different",
        kind="directory",
        key={"path": r"C:\a4"},
        want={"state": "present", "sddl": EVERYBODY},
        before=folder(r"C:\a4"),
    ),
    Case(
        id="directory to go",
        kind="directory",
        key={"path": r"C:\a5"},
        want={"state": "absent"},
        before=text(r"C:\a5\b\c.txt", "x"),
    ),
    Case(
        id="directory to go, with a link in it",
        kind="directory",
        key={"path": r"C:\a7"},
        want={"state": "absent"},
        before=both(text(r"C:\kept\x.txt", "x"), folder(r"C:\a7"), link(r"C:\a7\link", r"C:\kept")),
        keeps=r"kept\x.txt",
    ),
    Case(
        id="directory broken: a file is in its place",
        kind="directory",
        key={"path": r"C:\a6"},
        want={"state": "present"},
        before=text(r"C:\a6", "x"),
        broken=True,
    ),
    Case(
        id="file absent",
        kind="file",
        key={"path": r"C:\f1.txt"},
        want={"state": "present", "content": "h\u00e9llo\n"},
    ),
    Case(
        id="file present",
        kind="file",
        key={"path": r"C:\f2.txt"},
        want={"state": "present", "content": "same\n"},
        before=text(r"C:\f2.txt", "same\n"),
    ),
    Case(
        id="file different",
        kind="file",
        key={"path": r"C:\f3.txt"},
        want={"state": "present", "content": "new\n"},
        before=text(r"C:\f3.txt", "old\r\n"),
    ),
    Case(
        id="file to go",
        kind="file",
        key={"path": r"C:\f4.txt"},
        want={"state": "absent"},
        before=text(r"C:\f4.txt", "old"),
    ),
    Case(
        id="file broken: no folder for it",
        kind="file",
        key={"path": r"C:\none\f5.txt"},
        want={"state": "present", "content": "x"},
        broken=True,
    ),
    Case(
        id="registry_value absent",
        kind="registry_value",
        key={"path": rf"{REG}\new", "name": "limit"},
        want={"state": "present", "type": "DWord", "value": ["4294967295"]},
    ),
    Case(
        id="registry_value absent list",
        kind="registry_value",
        key={"path": REG, "name": "hosts"},
        want={"state": "present", "type": "MultiString", "value": ["a", "b"]},
    ),
    Case(
        id="registry_value present",
        kind="registry_value",
        key={"path": REG, "name": "same"},
        want={"state": "present", "type": "QWord", "value": ["5"]},
        before=value(r"HKLM\SOFTWARE\wincnode", "same", "QWord", 5),
    ),
    Case(
        id="registry_value different",
        kind="registry_value",
        key={"path": REG, "name": "path"},
        want={"state": "present", "type": "ExpandString", "value": ["%SystemRoot%\\x"]},
        before=value(r"HKLM\SOFTWARE\wincnode", "path", "String", "C:\\x"),
    ),
    Case(
        id="registry_value to go",
        kind="registry_value",
        key={"path": REG, "name": "gone"},
        want={"state": "absent"},
        before=value(r"HKLM\SOFTWARE\wincnode", "gone", "String", "x"),
    ),
    Case(
        id="registry_value broken: no number",
        kind="registry_value",
        key={"path": REG, "name": "bad"},
        want={"state": "present", "type": "DWord", "value": ["many"]},
        broken=True,
    ),
    Case(
        id="environment absent",
        kind="environment",
        key={"name": "KUBE_ONE"},
        want={"state": "present", "value": "1"},
    ),
    Case(
        id="environment present",
        kind="environment",
        key={"name": "kube_two"},
        want={"state": "present", "value": "2"},
        before=value(ENVIRONMENT, "KUBE_TWO", "String", "2"),
    ),
    Case(
        id="environment different",
        kind="environment",
        key={"name": "KUBE_THREE"},
        want={"state": "present", "value": "3"},
        before=value(ENVIRONMENT, "KUBE_THREE", "ExpandString", "%TEMP%"),
    ),
    Case(
        id="environment list",
        kind="environment",
        key={"name": "Path"},
        want={"state": "present", "entries": [r"C:\k", r"%SystemRoot%\System32"]},
    ),
    Case(
        id="environment to go",
        kind="environment",
        key={"name": "KUBE_FOUR"},
        want={"state": "absent"},
        before=value(ENVIRONMENT, "KUBE_FOUR", "String", "4"),
    ),
    Case(id="service absent", kind="service", key={"name": "kubelet"}, want=KUBELET),
    Case(
        id="service that has to live for a second",
        kind="service",
        key={"name": "steady"},
        want={"state": "running", "command": r"C:\k\steady.exe", "steady_s": 1},
    ),
    Case(
        id="service present",
        kind="service",
        key={"name": "Spooler"},
        want={"state": "running", "start": "auto"},
    ),
    Case(
        id="service different",
        kind="service",
        key={"name": "w32time"},
        want={"state": "stopped", "start": "disabled", "restart_after_s": 5},
    ),
    Case(
        id="service to go",
        kind="service",
        key={"name": "old-kubelet"},
        want={"state": "absent"},
        before=service("old-kubelet", State="Running", PathName=r"C:\k\nssm.exe"),
    ),
    Case(
        id="service broken: disabled and to run",
        kind="service",
        key={"name": "sleeper"},
        want={"state": "running"},
        before=service("sleeper", State="Stopped", StartMode="Disabled"),
        broken=True,
    ),
    Case(
        id="service broken: not there and no command",
        kind="service",
        key={"name": "nobody"},
        want={"state": "running"},
        broken=True,
    ),
    Case(id="firewall_rule absent", kind="firewall_rule", key={"name": "wincnode-1"}, want=RULE),
    Case(
        id="firewall_rule present",
        kind="firewall_rule",
        key={"name": "wincnode-2"},
        want=RULE,
        before=value(RULES, "wincnode-2", "String", RULE_TEXT),
    ),
    Case(
        id="firewall_rule different",
        kind="firewall_rule",
        key={"name": "wincnode-3"},
        want=RULE,
        before=value(RULES, "wincnode-3", "String", RULE_TEXT.replace("Allow", "Block")),
    ),
    Case(
        id="firewall_rule to go",
        kind="firewall_rule",
        key={"name": "wincnode-4"},
        want={"state": "absent"},
        before=value(RULES, "wincnode-4", "String", RULE_TEXT),
    ),
    Case(
        id="firewall_rule broken: policy owns the firewall",
        kind="firewall_rule",
        key={"name": "wincnode-5"},
        want=RULE,
        before=value(POLICY, "AllowLocalPolicyMerge", "DWord", 0),
        broken=True,
    ),
    Case(
        id="wait_for present",
        kind="wait_for",
        key={"subject": "service", "name": "hns"},
        want={"state": "present"},
    ),
    Case(
        id="wait_for a runtime that is ready, so present",
        kind="wait_for",
        key={"subject": "cri", "name": r"C:\k\crictl.exe"},
        want={"state": "present"},
        before=program(r"C:\k\crictl.exe", stdout=READY),
    ),
    Case(
        id="wait_for absent",
        kind="wait_for",
        key={"subject": "file", "name": r"C:\no\such"},
        want={"state": "absent"},
    ),
    Case(
        id="wait_for broken: it never comes",
        kind="wait_for",
        key={"subject": "file", "name": r"C:\no\such"},
        want={"state": "present"},
        broken=True,
        timeout_s=1,
    ),
)
