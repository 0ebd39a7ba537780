"""The inventory: what it gives, and how it tells every mistake at once."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from wincnode.checks import all_checks
from wincnode.error_ids import load_error_ids
from wincnode.errors import ConfigError
from wincnode.hns import networks as hns
from wincnode.inventory import load, parse, sample_text, select
from wincnode.inventory.fields import specs
from wincnode.inventory.model import SECTIONS, Cni, Node
from wincnode.inventory.network import network_of
from wincnode.inventory.schema import page, schema
from wincnode.secrets import Source

PATH = Path("/fleet/wincnode.yaml")
HEAD = "connection: {user: Administrator, password: {env: PW}}\n"
TOKEN = "hunter2-7f3a"


def mistakes_of(text: str) -> list[str]:
    """Give the mistakes that loading a text reports."""
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    return caught.value.message.splitlines()


def test_sample_is_valid_and_commented() -> None:
    """What `wincnode init` writes loads as it is and fits the schema."""
    inventory = parse(sample_text(), PATH)
    assert [node.name for node in inventory.nodes] == ["win1", "win2"]
    assert inventory.cluster.kubeconfig is None  # a first preflight asks for no further file
    assert inventory.nodes[0].labels == {"tier": "frontend"}
    assert inventory.nodes[0].connection.password == Source(
        kind="env", argument=("WINCNODE_PASSWORD",)
    )
    jsonschema.validate(yaml.safe_load(sample_text()), schema())


def test_node_takes_defaults_and_overrides_single_fields() -> None:
    """A node's connection is whole: the defaults with what the node says instead."""
    text = HEAD + "nodes:\n  a:\n  b: {address: 10.0.0.2, connection: {port: 15986, user: ops}}\n"
    first, second = parse(text, PATH).nodes
    assert (first.address, first.connection.effective_port) == ("a", 5986)
    assert (second.address, second.connection.port) == ("10.0.0.2", 15986)
    assert (first.connection.user, second.connection.user) == ("Administrator", "ops")
    assert second.connection.password == first.connection.password
    assert (first.line, second.line) == (3, 4)


def test_default_port_follows_the_scheme_of_the_node() -> None:
    """A port given for https is not used by a node that says http."""
    text = (
        "connection: {user: u, password: {env: P}, port: 7000}\n"
        "nodes: {a: {connection: {scheme: http}}, b: {}}\n"
    )
    first, second = parse(text, PATH).nodes
    assert (first.connection.effective_port, second.connection.effective_port) == (5985, 7000)


def test_every_mistake_is_told_at_once_with_line_and_field() -> None:
    """One ConfigError, a line per mistake, in the order of the file."""
    text = (
        "cluster:\n  cnii: flannel\n  pod_cidr: 10.244.0.1/16\n"
        "runtime: {isolation: [proces]}\n"
        "connection: {user: u, password: {env: P}, port: 70000, auth: kerb}\n"
        "nodes:\n  a: {adress: x}\n  WIN: {}\n"
    )
    assert mistakes_of(text) == [
        f"{PATH}:2: cluster.cnii: unknown; did you mean cni?",
        f"{PATH}:3: cluster.pod_cidr: is '10.244.0.1/16'; a network such as 10.244.0.0/16",
        f"{PATH}:4: runtime.isolation: is 'proces'; one of process, hyperv",
        f"{PATH}:5: connection.port: is '70000'; a number from 1 to 65535",
        f"{PATH}:5: connection.auth: is 'kerb'; one of ntlm, basic, kerberos, credssp, certificate",
        f"{PATH}:7: nodes.a.adress: unknown; did you mean address?",
        f"{PATH}:8: nodes.WIN: no Kubernetes node name: lower-case letters, digits, `-` and `.`",
    ]


@pytest.mark.parametrize(
    "given", [TOKEN, f"{{value: {TOKEN}}}", f"[{TOKEN}]", f"{{env: [{TOKEN}]}}"]
)
def test_inline_password_is_refused_and_never_repeated(given: str) -> None:
    """The message names the forms that are allowed and shows nothing of what was given."""
    rows = mistakes_of(f"connection: {{user: u, password: {given}}}\nnodes: {{a: {{}}}}\n")
    assert len(rows) == 1
    assert rows[0].startswith(f"{PATH}:1: connection.password: a secret is given as {{env: NAME}}")
    assert TOKEN not in rows[0]


def test_duplicate_nodes_are_refused_by_name_and_by_address() -> None:
    """The same name twice is silent in YAML; the same machine twice would run two plans on it."""
    text = HEAD + "nodes:\n  a: {address: H}\n  a: {}\n  b: {address: h}\n"
    assert mistakes_of(text) == [
        f"{PATH}:4: nodes.a: given on line 3 already",
        f"{PATH}:5: nodes.b: h port 5986 is node a already",
    ]


def test_duplicate_fields_are_refused() -> None:
    """YAML would take the last one without a word."""
    rows = mistakes_of(HEAD + "nodes:\n  a:\n    address: x\n    address: y\n")
    assert rows == [f"{PATH}:5: nodes.a.address: given on line 4 already"]


@pytest.mark.parametrize(
    ("connection", "field"),
    [
        ("{scheme: http, auth: basic, user: u, password: {env: P}}", "auth"),
        ("{auth: certificate, cert_file: c.pem}", "key_file"),
        ("{auth: certificate, scheme: http, cert_file: c, key_file: k}", "scheme"),
        ("{password: {env: P}}", "user"),
        ("{user: u}", "password"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(connection: str, field: str) -> None:
    """Wrong defaults are one mistake, not one for each of their nodes."""
    rows = mistakes_of(f"connection: {connection}\nnodes: {{a: {{}}, b: {{}}, c: {{}}}}\n")
    assert len(rows) == 1
    assert f"nodes.a.connection.{field}: " in rows[0]


def test_basic_over_http_needs_its_flag_and_kerberos_no_password() -> None:
    """allow_unencrypted says that the reader knows; a Kerberos ticket may come from kinit."""
    text = "{scheme: http, auth: basic, user: u, password: {env: P}, allow_unencrypted: true}"
    assert parse(f"connection: {text}\nnodes: {{a: }}\n", PATH).nodes[0].connection.port is None
    parse("connection: {auth: kerberos, user: u@R}\nnodes: {a: }\n", PATH)


def test_versions_stay_as_they_were_written() -> None:
    """1.30 without quotes is the number 1.3 to YAML; here it stays 1.30."""
    text = HEAD + "cluster: {kubernetes: 1.30}\nnodes: {a: {labels: {n: 010}}}\n"
    inventory = parse(text, PATH)
    assert inventory.cluster.kubernetes == "1.30"
    assert inventory.nodes[0].labels == {"n": "010"}


def test_yes_and_null_are_no_texts() -> None:
    """A user called `no` would be false to YAML: the error asks for quotes."""
    quotes = "(in quotes if it is meant so)"
    rows = mistakes_of(HEAD + "nodes: {a: {connection: {user: no, cert_file: }}}\n")
    assert rows == [
        f"{PATH}:2: nodes.a.connection.user: is true or false; it takes text {quotes}",
        f"{PATH}:2: nodes.a.connection.cert_file: is empty; it takes a path {quotes}",
    ]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("taints: [os=windows]", "NoExecute"),
        ("address: 'https://h'", "without scheme and port"),
        ("groups: web", "takes a list"),
        ("labels: [a]", "takes a mapping"),
        ("labels: {a: b c}", "at most 63"),
        ("labels: {-a: b}", "no key; at most 63"),
        ("labels: {Not_DNS/a: b}", "an optional DNS name"),
        ("labels: {x/y/z: b}", "no key"),
        (f"labels: {{{'a' * 64}: b}}", "no key"),
        (f"labels: {{a: {'b' * 64}}}", "at most 63"),
        ("taints: ['a=b:NoRun']", "NoExecute"),
        ("taints: ['a=b c:NoExecute']", "as of a label"),
        (f"taints: ['{'a' * 64}:NoExecute']", "as of a label"),
        ("taints: ['a=b:NoExecute', 'a=c:NoExecute']", "a:NoExecute is given twice"),
        ("connection: {fingerprint: abc}", "64 hexadecimal digits"),
        ("connection: {connect_timeout_s: 0}", "a number from 1 to 600"),
        ("connection: {allow_unencrypted: sure}", "one of true, false"),
        ("connection: {<<: {port: 1}}", "unknown"),
        ("address: [x]", "is a list"),
    ],
)
def test_unfitting_value_says_what_fits(field: str, bad: str) -> None:
    """The message holds what the field takes."""
    rows = mistakes_of(HEAD + f"nodes: {{a: {{{field}}}}}\n")
    assert len(rows) == 1
    assert bad in rows[0]


def test_labels_and_taints_take_all_that_kubernetes_takes() -> None:
    """Prefixed keys, empty values, one key with two effects."""
    prefix = ".".join(["a" * 61] * 4)
    text = HEAD + (
        "nodes:\n  a:\n"
        f"    labels: {{node.example.com/Tier_1.x: '', {prefix}/{'n' * 63}: {'v' * 63}, '1': '2'}}\n"
        "    taints: ['example.com/a=:NoSchedule', 'example.com/a:NoExecute', "
        "'b=c.d_e-f:PreferNoSchedule']\n"
    )
    node = parse(text, PATH).nodes[0]
    assert len(node.labels) == len(node.taints) == 3


def test_fingerprint_address_and_taint_take_their_usual_forms() -> None:
    """With colons or without; IPv6; a taint without a value."""
    colons = ":".join(["aB"] * 32)
    text = HEAD + (
        f"nodes: {{a: {{address: 'fe80::1', taints: ['x:NoSchedule'], "
        f"connection: {{fingerprint: '{colons}'}}}}, "
        f"b: {{connection: {{fingerprint: {'a0' * 32}}}}}}}\n"
    )
    assert parse(text, PATH).nodes[0].address == "fe80::1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("nodes: [", "not YAML"),
        ("nodes: {a: !!python/object:os.system {}}\n", "user: missing"),
        ("- a\n", "takes a mapping"),
        ("nodes: {}\n", "names no node"),
        ("cluster: {}\n", "nodes: missing"),
        ("? [a]\n: b\n", "as a key"),
        ("a: \x00\n", "not YAML"),
        ("a: &x [*x]\n", "contains itself"),
    ],
)
def test_what_is_no_inventory_is_a_config_error(text: str, reason: str) -> None:
    """Whatever the file holds, the answer is a ConfigError and no object is ever built."""
    assert any(reason in row for row in mistakes_of(text))


def test_alias_bomb_is_refused() -> None:
    """Nine levels of nine aliases unfold to 400 million values ("billion laughs")."""
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "unfold" in mistakes_of("\n".join(rows))[0]


def test_deep_nesting_is_refused() -> None:
    """A hundred thousand brackets must not reach the recursion of any reader."""
    assert "levels deep" in mistakes_of("nodes: " + "[" * 100_000)[0]


def test_long_value_is_cut_in_the_message() -> None:
    """A mistake fits a terminal whatever stands in the file."""
    (row,) = mistakes_of(HEAD + f"nodes: {{a: {{address: '{'-' * 5000}'}}}}\n")
    assert len(row) < 250


def test_more_values_than_any_fleet_needs_are_refused() -> None:
    """A list of a million items is refused before it is composed."""
    assert "more than 500000 values" in mistakes_of("nodes: [" + "x," * 600_000 + "]")[0]


def test_home_of_nobody_is_a_path_like_any_other() -> None:
    """A ~name without a home is no crash; opening the file will tell."""
    text = HEAD + "cluster: {kubeconfig: ~nobody-here/x}\nnodes: {a: }\n"
    assert parse(text, PATH).cluster.kubeconfig == "/fleet/~nobody-here/x"


def test_file_larger_than_10_mib_or_not_utf8_or_missing_is_refused(tmp_path: Path) -> None:
    """The size is limited before anything is parsed."""
    path = tmp_path / "big.yaml"
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)
    path.write_bytes(b"#" * (10 * 1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="larger than 10 MiB"):
        load(path)
    path.write_bytes(b"a: b\nc: \xff\n")
    with pytest.raises(ConfigError, match=r"big.yaml:2: not UTF-8"):
        load(path)


def test_relative_paths_start_at_the_inventory(tmp_path: Path) -> None:
    """The folder that the command runs in does not matter."""
    path = tmp_path / "w.yaml"
    path.write_text(
        "connection: {user: u, password: {file: pw}, ca_file: ca.pem, key_file: /k}\nnodes: {a: }\n"
    )
    connection = load(path).nodes[0].connection
    assert connection.ca_file == str(tmp_path / "ca.pem")
    assert connection.key_file == "/k"
    assert connection.password == Source(kind="file", argument=(str(tmp_path / "pw"),))


def test_select_by_node_and_group() -> None:
    """Names and groups add up, in the file's order; an unknown word suggests the nearest."""
    inventory = parse(HEAD + "nodes: {c: , a: {groups: [web]}, b: {groups: [web]}}\n", PATH)
    assert [node.name for node in select(inventory, ["b", "c"])] == ["c", "b"]
    assert [node.name for node in select(inventory, ["web"])] == ["a", "b"]
    assert len(select(inventory, [])) == 3
    with pytest.raises(ConfigError, match="did you mean web"):
        select(inventory, ["wbe"])


def test_schema_is_valid_and_refuses_what_the_loader_refuses() -> None:
    """The schema is a valid 2020-12 schema and closed."""
    jsonschema.Draft202012Validator.check_schema(schema())
    judge = jsonschema.Draft202012Validator(schema())
    for text in ("nodes: {}", "nodes: {a: {adress: x}}", "nodes: {A: {}}", "nods: {}",
                 "nodes: {a: {connection: {password: x}}}",
                 "nodes: {a: {connection: {port: 0}}}"):  # fmt: skip
        assert not judge.is_valid(yaml.safe_load(text)), text


def test_page_and_schema_hold_every_field_of_the_model() -> None:
    """One declaration drives all three."""
    for kind in (*SECTIONS.values(), Node):
        for name, spec in specs(kind).items():
            assert f"| `{name}` |" in page()
            assert spec.doc in page()


def test_docs_page_is_current() -> None:
    """docs/inventory.md is what the model says."""
    committed = Path(__file__).parent.parent / "docs" / "inventory.md"
    assert committed.read_text(encoding="utf-8") == page()


def test_thousand_nodes_load() -> None:
    """An anchor that a thousand nodes share is no bomb."""
    rows = "".join(f"  n{i}: {{address: h{i}, connection: *c}}\n" for i in range(1, 1000))
    text = HEAD + "nodes:\n  n0: {address: h0, connection: &c {port: 15986}}\n" + rows
    assert len(parse(text, PATH).nodes) == 1000


def test_a_nodes_kubelet_adds_to_the_defaults() -> None:
    """Flags are merged one by one; other fields are taken over each by itself."""
    text = HEAD + (
        "kubelet: {cloud_provider: external, extra_args: {max-pods: 50, v: 2}}\n"
        'nodes: {a: {kubelet: {extra_args: {v: 4}}, node_ip: "10.0.0.1,fd00::1"}, b: }\n'
    )
    first, second = parse(text, PATH).nodes
    assert first.kubelet.extra_args == {"max-pods": "50", "v": "4"}
    assert second.kubelet.extra_args == {"max-pods": "50", "v": "2"}
    assert first.kubelet.cloud_provider == "external"
    assert first.node_ip == "10.0.0.1,fd00::1"


@pytest.mark.parametrize(
    ("registry", "problem"),
    [
        ("{mirrors: []}", ".host: missing; HOST, HOST:PORT or _default"),
        ("{host: 'https://a'}", ".host: is 'https://a'; HOST, HOST:PORT or _default"),
        ("{host: a, mirrors: ['https://u:p@m']}", ".mirrors: is 'https://***@m'; an address"),
        ("{host: a, mirrors: ['http://m']}", ".mirrors: http lets anyone on the way swap"),
        ("{host: a, server: 'http://a'}", ".server: http lets anyone on the way swap images"),
        ("{host: a, ca_file: c, skip_verify: true}", ".skip_verify: trusts any certificate"),
        (
            "{host: a, server: 'http://a', allow_unencrypted: true, ca_file: c}",
            ".ca_file: is about certificates, and http has none",
        ),
        ("{host: _default, server: 'https://a'}", ".server: _default stands for many"),
        ("{host: a, username: x}", ".username: unknown; "),
        ("a", ": is text; it takes a mapping"),
    ],
)
def test_a_registry_that_cannot_work_is_refused(registry: str, problem: str) -> None:
    """With its place in the list; what is unsafe must be asked for by its own word."""
    text = HEAD + f"runtime: {{registries: [{{host: z}}, {registry}]}}\nnodes: {{a: }}\n"
    assert any(f"runtime.registries[1]{problem}" in row for row in mistakes_of(text))


def test_a_registry_stands_in_the_list_once() -> None:
    """Its folder on the node has one file."""
    text = HEAD + "runtime: {registries: [{host: z}, {host: z}]}\nnodes: {a: }\n"
    assert mistakes_of(text) == [f"{PATH}:2: runtime.registries[1].host: is in the list already"]


def test_registries_are_a_list() -> None:
    """A mapping would lose their order."""
    text = HEAD + "runtime: {registries: {host: z}}\nnodes: {a: }\n"
    assert mistakes_of(text) == [
        f"{PATH}:2: runtime.registries: is a mapping; it takes a list",
    ]


def test_the_schema_knows_registries_and_the_kubelet() -> None:
    """Editors complete them; a registry without a host is marked."""
    good = {"kubelet": {"extra_args": {"v": "4"}}, "runtime": {"registries": [{"host": "a"}]}}
    jsonschema.validate({"nodes": {"a": None}, **good}, schema())
    with pytest.raises(jsonschema.ValidationError, match="'host' is a required property"):
        jsonschema.validate(
            {"nodes": {"a": None}, "runtime": {"registries": [{"mirrors": []}]}}, schema()
        )


NETWORKS = """\
network:
  adapter: Ethernet
  confirm_within_s: 90
  networks:
    - name: nat
      type: NAT
      subnets: [{prefix: 172.20.0.0/16, gateway: 172.20.0.1}]
    - name: pods
      type: Overlay
      adapter: Ethernet 2
      subnets:
        - {prefix: 10.244.1.0/24, gateway: 10.244.1.1, vsid: 4096, routes: [10.8.0.0/16 10.244.1.9]}
connection: {user: a, password: {env: P}}
nodes: {web-1: {adapter: Wi-Fi}}
"""


def test_networks_of_the_nodes_are_read() -> None:
    found = parse(NETWORKS, Path("w.yaml"))

    assert found.network.adapter == "Ethernet"
    assert (found.network.external, found.network.confirm_within_s) == (True, 90)
    assert found.nodes[0].adapter == "Wi-Fi"
    nat, pods = [network_of(row) for row in found.network.networks]
    assert nat == hns.Network(
        name="nat",
        type="NAT",
        subnets=(hns.Subnet(prefix="172.20.0.0/16", gateway="172.20.0.1"),),
    )
    assert pods.subnets[0].routes == (hns.Way(prefix="10.8.0.0/16", next_hop="10.244.1.9"),)
    assert (pods.adapter, pods.subnets[0].vsid) == ("Ethernet 2", 4096)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("vsid: 4096", "vsid: 5"),
            "w.yaml:12: network.networks[1].subnets[0].vsid: is '5'; a number from 4096 to 16777215",
        ),
        (
            ("gateway: 172.20.0.1}", "gateway: 10.0.0.1}"),
            (
                "w.yaml:7: network.networks[0].subnets[0].gateway: 10.0.0.1 is no address of"
                " 172.20.0.0/16"
            ),
        ),
        (("name: pods", "name: NAT"), "w.yaml:8: network.networks[1].name: is in the list already"),
        (("      type: NAT\n", ""), "w.yaml:5: network.networks[0].type: missing"),
        (
            ("type: NAT", "type: Nat"),
            (
                "w.yaml:6: network.networks[0].type: is 'Nat'; one of NAT, Internal, Private,"
                " L2Bridge, L2Tunnel, Overlay, Transparent"
            ),
        ),
        (
            ("confirm_within_s: 90", "confirm_within_s: 5"),
            "w.yaml:3: network.confirm_within_s: is '5'; a number from 15 to 3600",
        ),
        (
            ("      subnets: [{prefix: 172.20.0.0/16, gateway: 172.20.0.1}]", "      subnets: x"),
            "w.yaml:7: network.networks[0].subnets: is text; it takes a list",
        ),
    ],
)
def test_mistakes_of_networks_are_told_by_line_and_field(
    change: tuple[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(NETWORKS.replace(*change), Path("w.yaml"))

    assert said in caught.value.message.splitlines()


def test_fields_that_a_remedy_names_are_fields_of_the_inventory() -> None:
    """Whoever follows it finds the field."""
    named = re.compile(
        rf"\b({'|'.join(SECTIONS)}|network)\.(?!md\b|exe\b)([a-z_]+)(?:\.([a-z_]+))?"
    )
    known = {f"{section}.{name}" for section, kind in SECTIONS.items() for name in specs(kind)}
    known |= {f"cluster.cni.{name}" for name in specs(Cni)}
    texts = {row.id: row.remedy for row in (*all_checks(), *load_error_ids().values())}
    found = {(id, hit[0]) for id, text in texts.items() for hit in named.finditer(text)}

    assert ("img.pause", "runtime.sandbox_image") in found
    assert {row for row in found if row[1] not in known} == set()
