"""What the cluster needs for Windows nodes: the manifests, and what keeps them from being made."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from cluster_cases import BUILDS, CASES, NETWORKS, PATH, golden, inventory_text, rendered, wish
from hypothesis import given, settings
from hypothesis import strategies as st

from wincnode.cluster.render import json_text, load_templates, names, render, yaml_text
from wincnode.cluster.runtime_classes import runtime_classes, toleration
from wincnode.cluster.wanted import wanted
from wincnode.errors import ConfigError
from wincnode.inventory import parse
from wincnode.inventory.schema import schema
from wincnode.rendering import CannotRender, to_yaml

TEMPLATES = load_templates()
# Kinds of custom resources, which the schema of Kubernetes does not know.
CUSTOM = {"Installation", "IPAMConfiguration"}
HOSTILE = "-vEthernet \"a\" 'b' `c` \u201cd\u201d $(id) {{ x }} {% y %} # : \u2028 \U0001f600 \\"


def documents(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def objects(cni: str, mode: str) -> dict[str, dict[str, Any]]:
    """Give the objects of a network's mode by kind and name."""
    found = documents(rendered(cni, mode))
    return {f"{row['kind']}/{row['metadata']['name']}": row for row in found}


def mistakes(text: str, *, server: str = "") -> list[tuple[str, str]]:
    found = wanted(parse(text, PATH), networks=NETWORKS, builds=BUILDS, kubeconfig_server=server)
    assert isinstance(found, tuple)
    return list(found)


def wincnode(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wincnode", "cluster", "render", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(("cni", "mode"), CASES)
def test_a_network_renders_to_its_golden_file(cni: str, mode: str) -> None:
    """`python tests/cluster_cases.py` writes the files anew; a change of them is reviewed."""
    assert rendered(cni, mode) == golden(cni, mode).read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["1.33", "1.34", "1.35", "1.36", "1.37"])
@pytest.mark.parametrize(("cni", "mode"), CASES)
def test_kubernetes_knows_every_field(cni: str, mode: str, version: str) -> None:
    """Held to the published schema of each minor, where an unknown field is an error."""
    own = [row for row in documents(rendered(cni, mode)) if row["kind"] not in CUSTOM]
    assert {kubernetes_validate.validate(row, version, strict=True) for row in own} == {version}


def test_the_schema_refuses_a_misspelt_field_of_host_process() -> None:
    """The test above can fail: the schema knows the fields of Windows, and no others."""
    row = objects("flannel", "overlay")["DaemonSet/kube-flannel-ds-windows-amd64"]
    options = row["spec"]["template"]["spec"]["securityContext"]["windowsOptions"]
    options["hostProces"] = options.pop("hostProcess")
    with pytest.raises(kubernetes_validate.ValidationError, match="hostProces"):
        kubernetes_validate.validate(row, "1.36", strict=True)


@pytest.mark.parametrize(("cni", "mode"), CASES)
def test_every_pod_is_a_host_process_on_windows_alone(cni: str, mode: str) -> None:
    """Linux nodes never get these pods, and a taint never keeps them away."""
    pods = [
        row["spec"]["template"]["spec"]
        for row in documents(rendered(cni, mode))
        if row["kind"] == "DaemonSet"
    ]
    assert len(pods) == len({"flannel", "kube-proxy"} & {*NETWORKS[cni].modes[mode].manifests})
    for pod in pods:
        assert pod["hostNetwork"] is True
        assert pod["securityContext"]["windowsOptions"]["hostProcess"] is True
        assert pod["nodeSelector"]["kubernetes.io/os"] == "windows"
        assert pod["tolerations"] == [{"operator": "Exists"}]


def test_the_cni_s_configuration_names_the_network_that_flanneld_makes() -> None:
    """The plugin finds the HNS network by the name of its configuration."""
    for mode, network, plugin in (
        ("overlay", "flannel.4096", "sdnoverlay"),
        ("host-gw", "cbr0", "sdnbridge"),
    ):
        found = objects("flannel", mode)
        conf = json.loads(found["ConfigMap/kube-flannel-windows-cfg"]["data"]["cni-conf.json"])
        proxy = found["DaemonSet/kube-proxy-windows"]["spec"]["template"]["spec"]["containers"][0]
        assert (conf["name"], conf["delegate"]["type"]) == (network, plugin)
        exceptions = conf["delegate"]["AdditionalArgs"][0]["Value"]["Settings"]["Exceptions"]
        assert exceptions[:2] == ["10.96.0.0/12", "10.244.0.0/16"]
        assert {"name": "KUBE_NETWORK", "value": network} in proxy["env"]


def test_kube_proxy_has_the_version_of_the_cluster() -> None:
    """Its image is tagged with all three numbers, with or without a v before them."""
    text = inventory_text("calico", "vxlan")
    for version in ("1.36.4", "v1.36.4"):
        want = wish(text.replace("1.36.4", version))
        image = documents(yaml_text(want, render(want, TEMPLATES), version="0"))[-1]["spec"][
            "template"
        ]["spec"]["containers"][0]["image"]
        assert image == "docker.io/sigwindowstools/kube-proxy:v1.36.4-calico-hostprocess"


def digests(text: str) -> dict[str, str]:
    """Give the digest that each manifest's pods carry."""
    return {
        part.name: row["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for part in render(wish(text), TEMPLATES)
        for row in part.documents()
        if row["kind"] == "DaemonSet"
    }


def test_pods_restart_when_what_they_read_changes_and_only_then() -> None:
    """A pod reads its script and its values once; a change shows in the pod's own template."""
    text = inventory_text("flannel", "overlay")
    first = digests(text)
    other = digests(text.replace("10.96.0.0/12", "10.112.0.0/12"))
    assert set(first) == {"flannel", "kube-proxy"}
    assert all(first[name] != other[name] for name in first)
    assert digests(text.replace("[process, hyperv]", "[process]")) == first


def test_the_header_says_what_the_manifests_rely_on() -> None:
    """Whoever applies the file reads it there, with the source."""
    text = rendered("flannel", "overlay")
    assert text.startswith("# Written by wincnode 0 for Windows nodes: flannel (VXLAN).\n")
    rows = (*NETWORKS["flannel"].requirements, *NETWORKS["flannel"].modes["overlay"].requirements)
    for row in rows:
        assert f"# - {row.text} [{row.source}]\n" in text


def test_json_holds_the_same_objects() -> None:
    """Both forms can be piped into kubectl."""
    manifests = render(wish(inventory_text("calico", "vxlan")), TEMPLATES)
    listed = json.loads(json_text(manifests))
    assert (listed["kind"], listed["items"]) == ("List", documents(rendered("calico", "vxlan")))


def test_runtime_classes_are_one_per_build_and_isolation() -> None:
    """An older guest on a newer host has a handler of its own, but none that containerd refuses."""
    rows = runtime_classes(BUILDS, ("process", "hyperv"), ())
    assert [(row.name, row.handler, row.build_label) for row in rows] == [
        ("windows-2019", "runhcs-wcow-process", "10.0.17763"),
        ("windows-2022", "runhcs-wcow-process", "10.0.20348"),
        ("windows-2025", "runhcs-wcow-process", "10.0.26100"),
        ("windows-hyperv-2019", "runhcs-wcow-hypervisor", "10.0.17763"),
        ("windows-hyperv-2022", "runhcs-wcow-hypervisor", "10.0.20348"),
        ("windows-hyperv-2025", "runhcs-wcow-hypervisor", "10.0.26100"),
        ("windows-hyperv-2022-on-2025", "runhcs-wcow-hypervisor-20348", "10.0.26100"),
    ]
    assert [row.name for row in runtime_classes(BUILDS[1:2], ("hyperv",), ())] == [
        "windows-hyperv-2022"
    ]


def test_runtime_classes_tolerate_what_only_says_windows() -> None:
    """A taint that sets some nodes aside is not opened to everybody."""
    text = inventory_text("none", "none").replace("os=windows:", "node/os=windows:")
    assert wish(text).taints == ("os=windows:NoSchedule", "node/os=windows:NoSchedule")
    assert toleration("dedicated:NoExecute") == {
        "key": "dedicated",
        "operator": "Exists",
        "effect": "NoExecute",
    }


def test_a_network_of_your_own_needs_nothing_but_its_name() -> None:
    """The short form is enough, and RuntimeClasses are all that is made."""
    text = "cluster: {cni: none}\nconnection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    assert names(wish(text)) == ("runtime-classes",)


@pytest.mark.parametrize("cni", ["flannel", "{name: flannel, mode: overlay}", "{name: none}"])
def test_editors_take_both_forms_of_the_network(cni: str) -> None:
    """The JSON Schema says the same as the loader."""
    text = (
        f"cluster: {{cni: {cni}}}\nnodes: {{a: }}\nconnection: {{user: u, password: {{env: P}}}}\n"
    )
    jsonschema.validate(yaml.safe_load(text), schema())
    parse(text, PATH)


@pytest.mark.parametrize(
    ("cni", "problem"),
    [
        ("[flannel]", "cluster.cni: is a list; it takes a mapping"),
        ("", "cluster.cni: is empty; it takes a name such as flannel"),
        ("{mode: overlay}", "cluster.cni.name: missing; a name such as flannel"),
        ("{name: flannel, mod: x}", "cluster.cni.mod: unknown; did you mean mode?"),
    ],
)
def test_a_network_of_another_form_is_a_mistake(cni: str, problem: str) -> None:
    """The message says what the field takes."""
    text = (
        f"cluster:\n  cni: {cni}\nconnection: {{user: u, password: {{env: P}}}}\nnodes: {{a: }}\n"
    )
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    assert f"{PATH}:2: {problem}" in caught.value.message


def test_the_first_mode_is_the_default() -> None:
    """`cni: flannel` is overlay."""
    text = inventory_text("flannel", "host-gw").replace("{name: flannel, mode: host-gw}", "flannel")
    assert wish(text).mode.name == "overlay"


def test_the_address_of_the_api_server_is_the_inventory_s_before_the_kubeconfig_s() -> None:
    """A node may reach it by another name than the workstation."""
    given_text = inventory_text("flannel", "overlay")
    left_out = given_text.replace("  api_server: api.example:6443\n", "")
    for text, host, port in (
        (given_text, "api.example", 6443),
        (left_out, "10.0.0.9", 443),
        (given_text.replace("api.example:6443", '"[fd00::1]:6443"'), "fd00::1", 6443),
    ):
        found = wanted(
            parse(text, PATH),
            networks=NETWORKS,
            builds=BUILDS,
            kubeconfig_server="https://10.0.0.9",
        )
        assert not isinstance(found, tuple)
        assert (found.api_host, found.api_port) == (host, port)


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """One run is enough to see all that keeps a network from working."""
    file = tmp_path / "wincnode.yaml"
    file.write_text(
        'cluster:\n  kubernetes: "1.32"\n  cni:\n    name: flannel\n    mode: bgp\n'
        "    vxlan_adapter: Ethernet\n  pod_cidr: fd00::/64\n"
        'runtime:\n  containerd: "1.5"\nconnection: {user: u, password: {env: P}}\nnodes: {a: }\n'
    )
    done = wincnode(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    rows = [row.strip().removeprefix("wincnode: ") for row in done.stderr.splitlines()]
    assert [row.split(";")[0].split(" (")[0].removeprefix(f"{file.name}:") for row in rows] == [
        "1: cluster.service_cidr: missing",
        "1: cluster.api_server: missing",
        "2: cluster.kubernetes: is '1.32'",
        "2: cluster.kubernetes: is '1.32'",
        "5: cluster.cni.mode: is 'bgp'",
        "6: cluster.cni.vxlan_adapter: flannel does not take it",
        "7: cluster.pod_cidr: is 'fd00::/64'",
        "9: runtime.containerd: is '1.5'",
    ]
    assert "flannel takes one of overlay, host-gw" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "field", "part"),
    [
        (
            "  cni: {name: flannel, mode: overlay}\n",
            "",
            "cluster.cni",
            "one of calico, flannel, none",
        ),
        ("name: flannel", "name: antrea", "cluster.cni", "one of calico, flannel, none"),
        ('"1.36.4"', '"1.36"', "cluster.kubernetes", "three numbers"),
        ('"1.36.4"', '"1.36.4+rke2r1"', "cluster.kubernetes", "three numbers"),
        ("10.244.0.0/16", "10.100.0.0/16", "cluster.service_cidr", "overlaps pod_cidr"),
        ("10.96.0.0/12", "fd00::/108", "cluster.service_cidr", "IPv4 subnets only"),
        ("api.example:6443", "127.0.0.1:6443", "cluster.api_server", "the node itself"),
        ("api.example:6443", '"[::]:6443"', "cluster.api_server", "the node itself"),
        ("api.example:6443", "localhost", "cluster.api_server", "the node itself"),
        ("api.example:6443", "api.example:70000", "cluster.api_server", "from 1 to 65535"),
        ("api.example:6443", "api.example:0", "cluster.api_server", "from 1 to 65535"),
        ('"2.3.4"', '"1.5.9"', "runtime.containerd", "need containerd 1.6"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    old: str, new: str, field: str, part: str
) -> None:
    """Nothing is rendered that would fail in the cluster."""
    text = inventory_text("flannel", "overlay")
    assert old in text
    found = mistakes(text.replace(old, new))
    assert [name for name, _ in found] == [field]
    assert part in found[0][1]


def test_calico_takes_no_ipv6_and_no_mode_of_flannel() -> None:
    """Each network says what it cannot do, and what it takes instead."""
    text = inventory_text("calico", "overlay").replace("10.244.0.0/16", "fd00::/64")
    assert [name for name, _ in mistakes(text)] == ["cluster.cni.mode", "cluster.pod_cidr"]


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_adapter_s_name_arrives_intact_or_is_refused_by_its_field(name: str) -> None:
    """Quotes, `$()`, leading dashes and line separators are text, not YAML."""
    arrives(name)


@pytest.mark.parametrize("name", [HOSTILE, "- a", "null", "1e3", "\u0085", "\ufeff", "a" * 256])
def test_a_hostile_name_arrives_intact(name: str) -> None:
    """What a YAML reader could take for something else stays the text that it is."""
    assert arrives(name)


@pytest.mark.parametrize("name", ["", "a\nb", "\0", "\x1b[2J", "a" * 257])
def test_what_is_no_name_is_refused(name: str) -> None:
    """A line break or a control character is in no adapter's name."""
    assert not arrives(name)


def arrives(name: str) -> bool:
    """Tell whether the name is in the manifest as it was given; False where it was refused."""
    text = inventory_text("calico", "vxlan", more=f", vxlan_adapter: {json.dumps(name)}")
    # json.dumps escapes as YAML does, except beyond the basic plane, where it writes two halves.
    text = text.replace(json.dumps(name), to_yaml(name))
    try:
        want = wish(text)
    except ConfigError as error:
        if "cluster.cni.vxlan_adapter" not in error.message:
            raise
        return False
    manifests = render(want, TEMPLATES)
    for found in (documents(yaml_text(want, manifests, version="0")), items(json_text(manifests))):
        installation = next(row for row in found if row["kind"] == "Installation")
        assert installation["spec"]["windowsNodes"]["vxlanAdapter"] == name
    return True


@pytest.mark.parametrize(
    ("field", "old"),
    [
        ("cluster.kubernetes", '"1.36.4"'),
        ("cluster.cni.name", "flannel"),
        ("cluster.cni.mode", "overlay"),
        ("cluster.api_server", "api.example:6443"),
        ("cluster.pod_cidr", "10.244.0.0/16"),
        ("cluster.service_cidr", "10.96.0.0/12"),
    ],
)
@pytest.mark.parametrize(
    "hostile", [HOSTILE, "a\nb: c", "--x", "10.0.0.0/8\n", "1.36.4$(id)", "[::1"]
)
def test_a_hostile_word_is_refused_by_its_field(field: str, old: str, hostile: str) -> None:
    """These fields take words of a strict form, so nothing else ever reaches a manifest."""
    text = inventory_text("flannel", "overlay").replace(old, to_yaml(hostile))
    with pytest.raises(ConfigError, match=field.replace(".", r"\.")):
        parse(text, PATH)


def test_a_network_with_a_mask_is_written_with_its_prefix() -> None:
    """CNIs read no other form."""
    text = inventory_text("flannel", "overlay").replace("10.244.0.0/16", "10.244.0.0/255.255.0.0")
    assert wish(text).pod_cidr == "10.244.0.0/16"


def test_a_kubeconfig_s_server_that_is_no_address_is_refused_without_its_password() -> None:
    """What stands before the @ of an address is never repeated."""
    text = inventory_text("flannel", "overlay").replace("  api_server: api.example:6443\n", "")
    found = mistakes(text, server='https://ops:hunter2@a"b:6443')
    assert found == [
        ("cluster.api_server", "is 'a\"b:6443' by the kubeconfig; it takes HOST or HOST:PORT")
    ]


def items(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["items"]
    return found


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    )
)
def test_the_filter_to_yaml_means_exactly_its_value(value: Any) -> None:
    """Templates never quote by hand; the value stands on one line wherever it is put."""
    text = to_yaml(value)
    assert "\n" not in text
    assert yaml.safe_load(f"a:\n  - b: {text}\n") == {"a": [{"b": value}]}


def test_a_template_that_asks_for_what_nobody_gives_is_an_error() -> None:
    """An undefined variable never renders as nothing."""
    want = wish(inventory_text("none", "none"))
    broken = {"runtime-classes": replace(TEMPLATES["runtime-classes"], text="{{ fact.nothing }}")}
    with pytest.raises(CannotRender, match="nothing"):
        render(want, broken)


def test_every_template_is_some_network_s() -> None:
    """And every manifest of a network has its template."""
    named = {
        name
        for network in NETWORKS.values()
        for mode in network.modes.values()
        for name in mode.manifests
    }
    assert named | {"runtime-classes"} == set(TEMPLATES)


@pytest.mark.parametrize(("cni", "mode"), CASES)
def test_every_value_and_requirement_has_a_source(cni: str, mode: str) -> None:
    """A value without a source is a guess."""
    network = NETWORKS[cni]
    for row in (*network.facts, *network.requirements, *network.minimum):
        assert row.source
    for item in (*network.modes[mode].facts, *network.modes[mode].requirements):
        assert item.source


def test_the_command_prints_what_was_asked_for(tmp_path: Path) -> None:
    """One manifest, one build; the same again, byte for byte."""
    (tmp_path / "wincnode.yaml").write_text(inventory_text("flannel", "overlay"))
    words = ("--only", "runtime-classes", "--build", "20348")
    first, second = wincnode(tmp_path, *words), wincnode(tmp_path, *words)
    assert (first.returncode, first.stderr, first.stdout) == (0, "", second.stdout)
    names_found = [row["metadata"]["name"] for row in documents(first.stdout)]
    assert names_found == ["windows-2022", "windows-hyperv-2022"]
    listed = wincnode(tmp_path, "-o", "json", "--only", "kube-proxy")
    assert [row["kind"] for row in items(listed.stdout)] == ["ConfigMap", "DaemonSet"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--only", "calico"), "one of runtime-classes, flannel, kube-proxy"),
        (("--build", "14393"), "one of 17763 (Windows Server 2019)"),
    ],
)
def test_a_word_that_names_nothing_is_refused(
    tmp_path: Path, words: tuple[str, ...], part: str
) -> None:
    """The message lists what could have been meant."""
    (tmp_path / "wincnode.yaml").write_text(inventory_text("flannel", "overlay"))
    done = wincnode(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert part in done.stderr


def test_the_kubeconfig_gives_the_address_that_the_inventory_leaves_out(tmp_path: Path) -> None:
    """Its current context's server is the one that nodes are pointed to."""
    (tmp_path / "admin.conf").write_text(
        "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://10.0.0.9:6443'}}]\n"
    )
    text = inventory_text("calico", "vxlan")
    text = text.replace("api_server: api.example:6443", "kubeconfig: admin.conf")
    (tmp_path / "wincnode.yaml").write_text(text)
    data = items(wincnode(tmp_path, "-o", "json", "--only", "calico").stdout)[0]["data"]
    assert data == {"KUBERNETES_SERVICE_HOST": "10.0.0.9", "KUBERNETES_SERVICE_PORT": "6443"}
