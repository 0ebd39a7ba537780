"""YAML that Kubernetes' programs read as the same values that went in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Puts into quotes what Go's YAML takes for a number or a truth, and Python's does not.

    Source: github.com/yaml/go-yaml resolve.go@v2.4.3
    """


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?_*(0_*[xXbBoO][0-9a-fA-F_]*|[0-9_]*\.?[0-9_]*([eE]_*[-+]?[0-9_]+)?)$"),
    list("-+._0123456789"),
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))


def document(value: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Give a value as a document of YAML."""
    return yaml.dump(dict(value), Dumper=_Dumper, sort_keys=sort_keys, width=1000)
