"""A kubeconfig means what it means to kubectl."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_access import base64_of, kubeconfig

from wincnode.cluster.kubeconfig import ClusterAccess, load
from wincnode.cluster.proxies import proxy_of
from wincnode.errors import ConfigError
from wincnode.secrets import Secret

SERVER = {"server": "https://api.example:6443"}
FIRST = """\
apiVersion: v1
kind: Config
clusters:
- name: red
  cluster: {server: "https://red.example:6443", certificate-authority: pki/ca.crt}
users:
- name: ann
  user: {client-certificate: ann.crt, client-key: /keys/ann.key}
contexts: []
"""
SECOND = """\
apiVersion: v1
kind: Config
current-context: blue
clusters:
- name: red
  cluster: {server: "https://other.example", insecure-skip-tls-verify: true}
- name: blue
  cluster:
    server: https://blue.example/k8s/clusters/c-1
    certificate-authority-data: %s
    tls-server-name: kubernetes
    proxy-url: http://proxy.example:3128
users:
- name: ann
  user: {token: lost}
- name: bob
  user:
    tokenFile: bob.token
    as: root
    as-groups: [system:masters, ops]
    as-user-extra: {reason: [test]}
- name: eve
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/login
      args: [get-token, "--x=y z"]
      env: [{name: AWS_PROFILE, value: prod}]
      interactiveMode: Never
      provideClusterInfo: true
      installHint: install it
contexts:
- name: red
  context: {cluster: red, user: ann, namespace: apps}
- name: blue
  context: {cluster: blue, user: bob}
- name: eve
  context: {cluster: blue, user: eve}
"""


@pytest.fixture
def two(tmp_path: Path) -> dict[str, str]:
    """Two kubeconfigs in two folders, a missing third, and the variable that names them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "config").write_text(FIRST)
    (tmp_path / "b" / "config").write_text(SECOND % base64_of("-----CA-----"))
    (tmp_path / "b" / "bob.token").write_text("from-a-file\n")
    paths = [tmp_path / "a" / "config", tmp_path / "missing", tmp_path / "b" / "config"]
    return {"KUBECONFIG": os.pathsep.join(map(str, paths)) + os.pathsep}


def test_the_first_file_that_names_something_defines_it_whole(two: dict[str, str]) -> None:
    """Nothing of a second entry of the same name is mixed in; paths start at their own file."""
    access = load(None, "red", environ=two)
    folder = Path(two["KUBECONFIG"].split(os.pathsep)[0]).parent
    assert (access.server, access.insecure, access.token) == (
        "https://red.example:6443",
        False,
        None,
    )
    assert access.ca.path == folder / "pki/ca.crt"
    assert (access.certificate.path, access.key.path) == (
        folder / "ann.crt",
        Path("/keys/ann.key"),
    )
    assert access.namespace == "apps"


def test_the_current_context_is_of_the_first_file_that_names_one(two: dict[str, str]) -> None:
    """Every setting of the cluster and of the user arrives."""
    access = load(environ=two)
    folder = Path(two["KUBECONFIG"].split(os.pathsep)[2]).parent
    assert (access.context, access.server) == ("blue", "https://blue.example/k8s/clusters/c-1")
    assert access.ca.read() == Secret("-----CA-----")
    assert (access.tls_server_name, access.proxy_url) == ("kubernetes", "http://proxy.example:3128")
    assert access.token_file == folder / "bob.token"
    assert access.impersonate == (
        ("Impersonate-User", "root"),
        ("Impersonate-Group", "system:masters"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-reason", "test"),
    )


def test_an_exec_plugin_is_read_with_all_that_it_is_told(two: dict[str, str]) -> None:
    """A command with a slash is a path beside its kubeconfig; a bare word is looked up."""
    plugin = load(None, "eve", environ=two).plugin
    assert plugin is not None
    folder = Path(two["KUBECONFIG"].split(os.pathsep)[2]).parent
    assert (plugin.command, plugin.args) == (str(folder / "bin/login"), ("get-token", "--x=y z"))
    assert (plugin.env, plugin.interactive) == ((("AWS_PROFILE", "prod"),), "Never")
    assert (plugin.provide_cluster_info, plugin.install_hint) == (True, "install it")


def minified(environ: dict[str, str], context: str) -> Any:
    """Give what kubectl makes of the same files."""
    done = subprocess.run(
        ["kubectl", "config", "view", "--minify", "--raw", "--context", context, "-o", "json"],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environ},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def by_kubectl(environ: dict[str, str], context: str) -> dict[str, Any]:
    view = minified(environ, context)
    cluster, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
    return {
        "server": cluster["server"],
        "ca": base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
        or Path(cluster["certificate-authority"]).name,
        "tls_server_name": cluster.get("tls-server-name", ""),
        "proxy_url": cluster.get("proxy-url", ""),
        "insecure": cluster.get("insecure-skip-tls-verify", False),
        "namespace": view["contexts"][0]["context"].get("namespace", "default"),
        "token": user.get("token", ""),
        "certificate": Path(user.get("client-certificate", "")).name,
        "groups": user.get("as-groups", []),
        "command": user.get("exec", {}).get("args", []),
    }


def by_us(access: ClusterAccess) -> dict[str, Any]:
    return {
        "server": access.server,
        "ca": access.ca.text.reveal()
        if access.ca.text
        else access.ca.path.name
        if access.ca.path
        else "",
        "tls_server_name": access.tls_server_name,
        "proxy_url": access.proxy_url,
        "insecure": access.insecure,
        "namespace": access.namespace,
        "token": access.token.reveal() if access.token else "",
        "certificate": access.certificate.path.name if access.certificate.path else "",
        "groups": [value for name, value in access.impersonate if name == "Impersonate-Group"],
        "command": list(access.plugin.args) if access.plugin else [],
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("context", ["red", "blue", "eve"])
def test_kubectl_resolves_the_same(two: dict[str, str], context: str) -> None:
    """The reference is kubectl itself."""
    assert by_us(load(None, context, environ=two)) == by_kubectl(two, context)


def test_without_any_file_the_message_says_where_was_looked(tmp_path: Path) -> None:
    """Nobody wonders which file was meant."""
    with pytest.raises(ConfigError, match="there is no /nowhere/a, /nowhere/b") as caught:
        load(environ={"KUBECONFIG": "/nowhere/a:/nowhere/b:/nowhere/a"})
    assert caught.value.id == "config.kubeconfig"


def _plugin(**fields: object) -> dict[str, Any]:
    """Give a user with an exec plugin."""
    version = "client.authentication.k8s.io/v1"
    head = {"apiVersion": version, "command": "a", "interactiveMode": "Never"}
    return {"exec": {**head, **fields}}


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no server": ({}, {}, "cluster one: server is no address"),
    "a server without scheme": ({"server": "a:6443"}, {}, "server is no address"),
    **{
        f"the server {server}": ({"server": server}, {}, "server is no address")
        for server in (
            *("https://", "https://:6443", "https://[::1", "https://[zz]:1", "https://a b"),
            *("https://a:99999", "https://a:b", "ftp://a"),
        )
    },
    "two authorities": (
        {**SERVER, "certificate-authority": "a", "certificate-authority-data": "YQ=="},
        {},
        "are both given",
    ),
    "an authority that is not asked": (
        {**SERVER, "certificate-authority": "a", "insecure-skip-tls-verify": True},
        {},
        "insecure-skip-tls-verify and an authority are both given",
    ),
    "data that is none": (
        {**SERVER, "certificate-authority-data": "topsecret!"},
        {},
        "certificate-authority-data is not PEM in base64",
    ),
    "a certificate without key": (SERVER, {"client-certificate": "a"}, "has no client-key"),
    "two ways at once": (
        SERVER,
        {"token": "topsecret", "username": "u", "password": "topsecret"},
        "token and username are both given",
    ),
    "an auth-provider": (SERVER, {"auth-provider": {"name": "gcp"}}, "an exec plugin takes"),
    "groups of nobody": (SERVER, {"as-groups": ["a"]}, "as-groups and as-user-extra need as"),
    "a plugin of another version": (
        SERVER,
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "a"}},
        "exec: apiVersion is none of",
    ),
    "a plugin without mode": (
        SERVER,
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "a"}},
        "interactiveMode is none of",
    ),
    "a token of two lines": (SERVER, {"token": "topsecret\nb"}, "token holds what no header can"),
    "a token of another script": (SERVER, {"token": "topsecretü"}, "token holds what no header"),
    "arguments that are none": (SERVER, _plugin(args=5), "exec: args is no list of texts"),
    "an argument of a list": (SERVER, _plugin(args=[["a"]]), "exec: args is no list of texts"),
    "an argument with a null": (SERVER, _plugin(args=["a\0"]), "exec: args is no list of texts"),
    "a variable without a name": (SERVER, _plugin(env=[{}]), "exec: env takes rows of name"),
    "a variable of no name": (
        SERVER,
        _plugin(env=[{"name": "a=b", "value": "topsecret"}]),
        "exec: env takes rows of name",
    ),
    "groups that are none": (SERVER, {"as": "a", "as-groups": 5}, "as-groups is no list of texts"),
    "more that is no mapping": (SERVER, {"as": "a", "as-user-extra": [1]}, "is no mapping"),
    "more that is no list": (
        SERVER,
        {"as": "a", "as-user-extra": {"b": 5}},
        "as-user-extra: b is no list of texts",
    ),
    "another's name of two lines": (SERVER, {"as": "a\nb"}, "takes printable ASCII"),
    "a token that is a list": (SERVER, {"token": ["topsecret"]}, "token is no text"),
    "a token that is a number": (SERVER, {"token": 12}, "token is no text"),
    "a flag that is a list": (
        {**SERVER, "insecure-skip-tls-verify": []},
        {},
        "insecure-skip-tls-verify is neither true nor false",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_kubectl_would_not_take_is_refused_by_its_field(case: str, tmp_path: Path) -> None:
    """The message names file, entry and field, and never what could be a secret."""
    cluster, user, part = WRONG[case]
    path = kubeconfig(tmp_path / "config", cluster, user)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert part in caught.value.message
    assert str(path) in caught.value.message
    assert "topsecret" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"current-context": None}, "names no current-context"),
        ({"current-context": "two"}, "has no context two; its contexts: one"),
        ({"users": []}, "names the user one, which is not there"),
        ({"clusters": "a"}, "clusters is no list of mappings"),
        (
            {"clusters": [{"name": "one", "cluster": SERVER}] * 2},
            "cluster one is given twice",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_told(
    change: dict[str, Any], part: str, tmp_path: Path
) -> None:
    """Each of the chain context, cluster, user may be missing."""
    path = kubeconfig(tmp_path / "config", SERVER, {})
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(ConfigError, match=part):
        load(path)


def test_yaml_that_is_none_is_told_without_its_text(tmp_path: Path) -> None:
    """A parser's message quotes the line, and the line may hold a token."""
    path = tmp_path / "config"
    path.write_text("users:\n- name: a\n  user: {token: [topsecret\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert "not YAML" in caught.value.message
    assert "topsecret" not in f"{caught.value.message}{caught.value.__cause__}"


def test_nothing_of_an_access_prints_a_secret(tmp_path: Path) -> None:
    """Whoever logs it logs no token, password or key."""
    user = {"token": "topsecret", "client-certificate": "a", "client-key-data": base64_of("topsec")}
    access = load(kubeconfig(tmp_path / "config", SERVER, user))
    assert "topsec" not in repr(access)


NO_PROXY = "10.0.0.0/8, .svc,example.com:6443,[fd00::1]:6443,192.0.2.7,*.intern"


@pytest.mark.parametrize(
    ("server", "goes_by_proxy"),
    [
        ("https://10.1.2.3:6443", False),
        ("https://11.1.2.3:6443", True),
        ("https://192.0.2.7", False),
        ("https://a.svc", False),
        ("https://api.example.com:6443", False),
        ("https://api.example.com", True),
        ("https://badexample.com:6443", True),
        ("https://[fd00::1]:6443", False),
        ("https://[fd00::2]:6443", True),
        ("https://a.intern", False),
        ("https://localhost:6443", False),
        ("https://127.0.0.1:6443", False),
        ("http://a.example", False),
    ],
)
def test_no_proxy_is_read_as_kubectl_reads_it(server: str, goes_by_proxy: bool) -> None:
    """Networks, suffixes, ports and loopback; HTTPS_PROXY is for https alone."""
    environ = {"https_proxy": "proxy:3128", "NO_PROXY": NO_PROXY}
    assert proxy_of(server, environ) == ("http://proxy:3128" if goes_by_proxy else "")
