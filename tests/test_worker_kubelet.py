"""How the kubelet runs: its flags, its settings, and what kubeadm leaves for it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from types import MappingProxyType

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from worker_cases import CLUSTER_CONFIG, inventory

from wincnode.errors import ConfigError, NodeError
from wincnode.inventory import Inventory, Kubelet
from wincnode.support import load_support
from wincnode.worker.kubeadm_flags import kubeadm_arguments
from wincnode.worker.kubelet import arguments, own_labels
from wincnode.worker.kubelet_config import configuration, drop_in, health, merged, of_cluster
from wincnode.worker.kubelet_flags import flag_mistakes, load_flags

FLAGS = load_flags()
NODE = inventory().nodes[1]


def with_flags(flags: dict[str, str], *, kubernetes: str = "1.36.4") -> Inventory:
    """Give an inventory whose default flags are these."""
    base = inventory(kubernetes=kubernetes)
    kubelet = Kubelet(extra_args=MappingProxyType(flags))
    nodes = tuple(replace(node, kubelet=kubelet) for node in base.nodes)
    return replace(base, kubelet=kubelet, nodes=nodes)


@pytest.mark.parametrize(
    ("flag", "problem"),
    [
        ("pod-infra-container-image", "Kubernetes 1.35 removed --pod-infra-container-image: "),
        ("network-plugin", "Kubernetes 1.24 removed --network-plugin: "),
        ("cloud-config", "Kubernetes 1.34 removed --cloud-config: "),
        ("hostname-override", "wincnode sets --hostname-override itself: the node's name"),
        (
            "healthz-port",
            "with --healthz-port a node does not join: kubeadm asks for the kubelet's",
        ),
        ("healthz-bind-address", "with --healthz-bind-address a node does not join: kubeadm"),
        ("max-podz", "the kubelet has no flag --max-podz on Windows; did you mean max-pods?"),
        ("containerd", "the kubelet has no flag --containerd on Windows"),
    ],
)
def test_a_flag_that_the_kubelet_would_end_on_is_a_mistake(flag: str, problem: str) -> None:
    """Told once, at the field, with the version that removed it."""
    ((where, text),) = flag_mistakes(with_flags({flag: "x"}), FLAGS)
    assert where == f"kubelet.extra_args.{flag}"
    assert text.startswith(problem)


def test_a_flag_is_judged_by_the_version_that_is_installed() -> None:
    """Before the version that removed it, it is none of our business."""
    wish = with_flags({"pod-infra-container-image": "x"}, kubernetes="1.34.9")
    assert flag_mistakes(wish, FLAGS) == ()


def test_a_nodes_own_flag_is_told_at_the_node() -> None:
    """Only the node's own: the defaults are told once."""
    base = with_flags({"max-pods": "50"})
    own = Kubelet(extra_args=MappingProxyType({"max-pods": "50", "log-dir": "x"}))
    wish = replace(base, nodes=(replace(base.nodes[0], kubelet=own), base.nodes[1]))
    ((where, text),) = flag_mistakes(wish, FLAGS)
    assert (where, text[:19]) == ("nodes.win1.kubelet.extra_args.log-dir", "Kubernetes 1.26 rem")


def test_every_table_of_flags_is_apart_from_the_others() -> None:
    """A flag is known, ours, unfit, or gone."""
    names = [*FLAGS.known, *FLAGS.own, *FLAGS.unfit, *FLAGS.removed]
    assert len(names) == len(set(names))


def test_the_kubelet_gets_what_no_file_can_say() -> None:
    """Name, address, labels and cloud are flags only."""
    given = arguments(NODE)
    assert {"--hostname-override=win2", "--node-ip=192.0.2.12", "--node-labels=tier=web"} <= {
        *given
    }
    assert {"--cloud-provider=external", "--v=4", "--max-pods=50"} <= {*given}
    assert "--windows-service" in given


def test_the_priority_class_can_be_chosen() -> None:
    """What the inventory says stands in the place of the default."""
    (base,) = with_flags({"windows-priorityclass": "HIGH_PRIORITY_CLASS"}).nodes[:1]
    found = [row for row in arguments(base) if row.startswith("--windows-priorityclass")]
    assert found == ["--windows-priorityclass=HIGH_PRIORITY_CLASS"]


def test_a_kubelet_sets_only_the_labels_that_it_may() -> None:
    """It ends on the others before it registers."""
    allowed = {
        "tier": "web",
        "example.com/a": "b",
        "topology.kubernetes.io/zone": "z",
        "x.node.kubernetes.io/a": "b",
        "kubelet.kubernetes.io/a": "b",
    }
    refused = {"node-role.kubernetes.io/worker": "", "kubernetes.io/mine": "", "a.k8s.io/b": ""}
    assert own_labels({**allowed, **refused}) == allowed


@pytest.mark.parametrize("minor", load_support().kubernetes)
def test_the_drop_in_takes_back_what_was_meant_for_linux(minor: str) -> None:
    """Each of these keeps a kubelet on Windows from starting, or from running pods."""
    found = merged(CLUSTER_CONFIG, yaml.safe_load(drop_in(NODE, f"{minor}.1")))
    assert found["evictionHard"] == {"memory.available": "200Mi"}
    assert (found["cgroupsPerQOS"], found["enforceNodeAllocatable"]) == (False, ["none"])
    assert (found["resolvConf"], found["containerRuntimeEndpoint"][:5]) == ("", "npipe")
    assert "singleProcessOOMKill" not in found
    assert found["authentication"]["x509"]["clientCAFile"] == r"C:\etc\kubernetes\pki\ca.crt"
    assert found["clusterDNS"] == ["10.96.0.10"]


def test_a_field_is_written_from_the_version_on_that_knows_it() -> None:
    """An older kubelet would not know it."""
    told = ["defaultPodSysctls" in drop_in(NODE, version) for version in ("1.36.4", "1.37.1")]
    assert told == [False, True]


def test_serving_certificates_are_asked_for_only_on_request() -> None:
    """Nothing approves them by itself, and until then logs and exec fail."""
    asked = ["serverTLSBootstrap" in drop_in(node, "1.36.4") for node in inventory().nodes]
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("cluster", "url"),
    [
        ({}, "http://127.0.0.1:10248/healthz"),
        ({"healthzPort": 10300}, "http://127.0.0.1:10300/healthz"),
        ({"healthzBindAddress": "0.0.0.0"}, "http://127.0.0.1:10248/healthz"),
        ({"healthzBindAddress": "::"}, "http://[::1]:10248/healthz"),
        ({"healthzPort": 0}, ""),
    ],
)
def test_the_kubelet_is_asked_where_the_cluster_says(cluster: dict[str, object], url: str) -> None:
    """For its health; nowhere where the cluster turned that off."""
    assert health(cluster) == url


@pytest.mark.parametrize(
    "text", ["healthzPort: many", "healthzPort: 65536", "healthzBindAddress: here", "- a", "{", "a"]
)
def test_a_cluster_s_configuration_that_is_none_is_told(text: str) -> None:
    """It is no internal error of wincnode."""
    with pytest.raises(ConfigError, match="the cluster's kubelet-config"):
        health(of_cluster({"data": {"kubelet": text}}))


def test_a_cluster_without_settings_of_kubelets_has_their_defaults() -> None:
    """What a ConfigMap does not say, the kubelet itself does."""
    assert of_cluster({}) == of_cluster({"data": {"kubelet": ""}}) == {}


def test_an_own_configuration_never_switches_eviction_off() -> None:
    """An empty evictionHard would do that; a missing one stands for Windows' defaults."""
    cluster = {**CLUSTER_CONFIG, "evictionHard": {"nodefs.inodesFree": "5%"}}
    found = yaml.safe_load(configuration(NODE, "1.36.4", cluster))
    assert "evictionHard" not in found
    assert found["authorization"] == {"mode": "Webhook"}


def test_a_dns_server_is_never_guessed() -> None:
    """Pods would ask nobody, or the wrong one."""
    with pytest.raises(ConfigError, match="has no clusterDNS"):
        configuration(NODE, "1.36.4", {})


def go_quoted(text: str) -> str:
    r"""Write a text as Go's %q does, for printable text and the escapes that it has letters for."""
    known = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}
    return '"' + "".join(known.get(sign, sign) for sign in text) + '"'


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["node-ip", "register-with-taints", "v"]),
            st.text(st.sampled_from("ab\\:=,./\u00e9KUBELET_"), max_size=12),
        ),
        max_size=4,
    )
)
def test_what_kubeadm_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """Any value that kubeadm itself can read back, which is one without spaces and quotes."""
    flags = [f"--{name}={value}" for name, value in pairs]
    text = f"KUBELET_KUBEADM_ARGS={go_quoted(' '.join(flags))}\n"
    assert kubeadm_arguments(text) == tuple(flags)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('KUBELET_KUBEADM_ARGS=""\n', ()),
        ("KUBELET_KUBEADM_ARGS=--v=4\r\n", ("--v=4",)),
        ("# note\nKUBELET_KUBEADM_ARGS='--a=b --c'\nOTHER=1\n", ("--a=b", "--c")),
        ('KUBELET_KUBEADM_ARGS="--a=\\"b c\\" --d=\'e  f\'"', ("--a=b c", "--d=e  f")),
        ('KUBELET_KUBEADM_ARGS="--a=C:\\\\k\\\\x --b"', (r"--a=C:\k\x", "--b")),
        (r"KUBELET_KUBEADM_ARGS='--a=C:\\k'", (r"--a=C:\\k",)),
        ('KUBELET_KUBEADM_ARGS="--a=\\u00a0\\x41"', ("--a=\u00a0A",)),
        ('KUBELET_KUBEADM_ARGS="--a=KUBELET --b=ARGS"', ("--a=KUBELET", "--b=ARGS")),
        ('KUBELET_KUBEADM_ARGS="--a"\nKUBELET_KUBEADM_ARGS="--b"', ("--b",)),
    ],
)
def test_quotes_in_kubeadms_file_are_taken_as_systemd_takes_them(
    text: str, found: tuple[str, ...]
) -> None:
    """Words may stand in quotes, and a backslash of a path stays."""
    assert kubeadm_arguments(text) == found


@pytest.mark.parametrize(
    "text", ["", "OTHER=1\n", 'KUBELET_KUBEADM_ARGS="--a', 'KUBELET_KUBEADM_ARGS="--a=\'b"']
)
def test_a_file_that_is_none_of_kubeadms_is_refused(text: str) -> None:
    """Guessing would lose taints or labels without a word."""
    with pytest.raises(NodeError, match=r"kubeadm-flags\.env"):
        kubeadm_arguments(text)


def test_linux_divides_the_same_file_the_same_way() -> None:
    """A shell's own reading of a usual file agrees."""
    value = "--node-ip=192.0.2.1 --register-with-taints=os=windows:NoSchedule"
    text = f'KUBELET_KUBEADM_ARGS="{value}"\n'
    assert list(kubeadm_arguments(text)) == shlex.split(value)
