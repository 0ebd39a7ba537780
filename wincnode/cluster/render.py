"""What is wanted to named manifests: pure, deterministic, an undefined variable is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from wincnode import assets
from wincnode.cluster.runtime_classes import runtime_classes
from wincnode.cluster.wanted import Wanted
from wincnode.rendering import Renderer

RUNTIME_CLASSES = "runtime-classes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """One file of `templates/cluster`, and the script of the same name beside it, if any."""

    text: str
    script: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One rendered template; its text holds one YAML document or several."""

    name: str
    text: str

    def documents(self) -> list[dict[str, Any]]:
        """Give the objects that the text stands for."""
        return list(yaml.safe_load_all(self.text))


def load_templates() -> Mapping[str, Template]:
    """Read the templates, by name."""
    folder = assets.folder("templates") / "cluster"
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        script = path.with_suffix(".ps1")
        found[path.stem] = Template(
            text=path.read_text(encoding="utf-8"),
            script=script.read_text(encoding="ascii") if script.is_file() else "",
        )
    return found


def names(wanted: Wanted) -> tuple[str, ...]:
    """List the manifests that are wanted, in the order in which they are applied."""
    return (RUNTIME_CLASSES, *wanted.mode.manifests)


def render(wanted: Wanted, templates: Mapping[str, Template]) -> tuple[Manifest, ...]:
    """Render what is wanted.

    Raises: CannotRender: a template asks for what nobody gives, which is a bug of ours.
    """
    renderer = Renderer()
    scope = _scope(wanted)
    return tuple(
        Manifest(name=name, text=_rendered(templates[name], scope, renderer))
        for name in names(wanted)
    )


def yaml_text(wanted: Wanted, manifests: Sequence[Manifest], *, version: str) -> str:
    """Give one YAML stream: a header of comments, and every manifest under its name."""
    parts = [f"# {manifest.name}\n{manifest.text.strip()}\n" for manifest in manifests]
    return _header(wanted, version) + "\n" + "---\n".join(parts)


def json_text(manifests: Sequence[Manifest]) -> str:
    """Give one JSON object, a List, which `kubectl apply -f -` takes as well."""
    items = [document for manifest in manifests for document in manifest.documents()]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2) + "\n"


def _rendered(template: Template, scope: Mapping[str, Any], renderer: Renderer) -> str:
    """Render one template. Its pods carry the digest of all they are made of.

    A pod reads its ConfigMap when it starts; the digest lets a change of it restart the pod.
    """
    values = [scope["mode"], scope["fact"], scope["cluster"]]  # RuntimeClasses change no pod
    made_of = json.dumps([template.text, template.script, values])
    own = {"script": template.script, "digest": assets.sha256(made_of)}
    return str(renderer.value(template.text, {**scope, **own}))


def _scope(wanted: Wanted) -> dict[str, Any]:
    facts = (*wanted.network.facts, *wanted.mode.facts)
    classes = runtime_classes(
        wanted.builds,
        wanted.isolation,
        wanted.taints,
        hyperv_builds=wanted.hyperv_builds,
    )
    return {
        "mode": wanted.mode.name,
        "fact": {fact.name: fact.value for fact in facts},
        "classes": [asdict(row) for row in classes],
        "cluster": {
            "kubernetes": wanted.kubernetes,
            "pod_cidr": wanted.pod_cidr,
            "service_cidr": wanted.service_cidr,
            "api_host": wanted.api_host,
            "api_port": wanted.api_port,
            "vxlan_adapter": wanted.vxlan_adapter,
        },
    }


def _header(wanted: Wanted, version: str) -> str:
    how = f"{wanted.network.name} ({wanted.mode.title})"
    rows = [f"Written by wincnode {version} for Windows nodes: {how}.", "", "It relies on:"]
    demands = (*wanted.network.requirements, *wanted.mode.requirements)
    rows += [f"- {row.text} [{row.source}]" for row in demands]
    return "".join(f"# {row}".rstrip() + "\n" for row in rows)
