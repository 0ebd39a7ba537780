"""What clients learn of an API server before they use it: its version, groups and resources.

Source: kubernetes/apiserver:pkg/endpoints/discovery; of OpenAPI, kubectl looks only whether a
patch takes fieldValidation (kubernetes/cli-runtime:pkg/resource/query_param_verifier_v3.go).
"""

from __future__ import annotations

from collections.abc import Sequence

from wincnode.lab.cluster.resources import Resource, described
from wincnode.lab.cluster.status import Json, no_such_path

OPENAPI = "/openapi/v3"


def answer(path: str, served: Sequence[Resource], kubernetes: str, server: str) -> Json | str:
    """Give what is at a path that is of no resource; a text where that is no JSON.

    Raises: ApiError: nothing is.
    """
    words = [word for word in path.split("/") if word]
    match words:
        case ["healthz" | "livez" | "readyz"]:
            return "ok"
        case ["version"]:
            return _version(kubernetes)
        case ["api" | "apis", *_]:
            return _api(words, served, server)
        case ["openapi", "v3", *prefix]:
            return _openapi("/".join(prefix), served)
    raise no_such_path()


def _api(words: list[str], served: Sequence[Resource], server: str) -> Json:
    match words:
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
            versions = {"kind": "APIVersions", "versions": ["v1"]}
            return {**versions, "serverAddressByClientCIDRs": addresses}
        case ["apis"]:
            groups = [_group(name, served) for name in _groups(served)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if group in _groups(served):
            return {"apiVersion": "v1", **_group(group, served), "kind": "APIGroup"}
        case ["api", version]:
            return _resources("", version, served)
        case ["apis", group, version]:
            return _resources(group, version, served)
    raise no_such_path()


def _version(kubernetes: str) -> Json:
    plain = kubernetes.removeprefix("v")
    major, minor, *_ = plain.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{plain}",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "go1.24",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _groups(served: Sequence[Resource]) -> list[str]:
    return sorted({row.group for row in served} - {""})


def _group(name: str, served: Sequence[Resource]) -> Json:
    versions = dict.fromkeys(row.version for row in served if row.group == name)
    rows = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def _resources(group: str, version: str, served: Sequence[Resource]) -> Json:
    found = [row for row in served if (row.group, row.version) == (group, version)]
    if not found:
        raise no_such_path()
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].api_version,
        "resources": [row for resource in found for row in described(resource)],
    }


def _prefix(row: Resource) -> str:
    return f"apis/{row.group}/{row.version}" if row.group else f"api/{row.version}"


def _openapi(prefix: str, served: Sequence[Resource]) -> Json:
    if not prefix:
        rows = {_prefix(row): f"{OPENAPI}/{_prefix(row)}" for row in served}
        return {"paths": {name: {"serverRelativeURL": url} for name, url in rows.items()}}
    found = [row for row in served if _prefix(row) == prefix]
    if not found:
        raise no_such_path()
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    paths: Json = {}
    for row in found:
        inside = "namespaces/{namespace}/" if row.namespaced else ""
        kind = {"group": row.group, "kind": row.kind, "version": row.version}
        patch = {"parameters": parameters, "x-kubernetes-group-version-kind": kind}
        # OpenAPI demands that an operation has responses.
        patch["responses"] = {"200": {"description": "OK"}}
        paths[f"/{prefix}/{inside}{row.plural}/{{name}}"] = {"patch": patch}
    info = {"title": "wincnode-lab", "version": "v1"}
    return {"openapi": "3.0.0", "info": info, "paths": paths}
