"""Writes the PowerShell modules that stand in for Windows' own on a simulated machine.

Names, types and accepted values of parameters come from Microsoft's reference documentation, as
collected per release of Windows Server; only what all releases have is taken that know a cmdlet.

Usage: python -m wincnode.lab.windows.standins CMDLETS.json.gz
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from wincnode.lab.windows.cmdlets import ANSWERS

MODULES = Path(__file__).parent / "modules"
CLIENT = "WincnodeLab"
HEAD = "# Written by wincnode.lab.windows.standins; stands in for a module of Windows."
# cmdlet -> {"module", "parameters": {name: {"type", "aliases", "values"}}}
Contract: TypeAlias = Mapping[str, Mapping[str, Any]]

# .NET types that need no Windows; a parameter of any other type takes any object.
TYPES = {
    "string": "string",
    "int32": "int",
    "uint32": "uint32",
    "uint16": "uint16",
    "uint64": "uint64",
    "boolean": "bool",
    "datetime": "DateTime",
    "timespan": "TimeSpan",
    "switchparameter": "switch",
    "idictionary": "Collections.IDictionary",
}
COMMON = {"confirm", "whatif"}
# Enumerations whose values may be given together:
# learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule (-Profile Domain, Private)
FLAGS = {"Profile"}


def common(releases: Iterable[Contract], cmdlet: str) -> Mapping[str, Any]:
    """Give a cmdlet as all releases have it that document it.

    Raises: LookupError: none has such a cmdlet.
    """
    found = [release[cmdlet] for release in releases if cmdlet in release]
    if not found:
        raise LookupError(cmdlet)
    first, *others = found
    parameters = {}
    for name, row in first["parameters"].items():
        rows = [other["parameters"].get(name) for other in others]
        if None in rows:
            continue
        parameters[name] = dict(row)
        if "values" in row:
            shared = [v for v in row["values"] if all(v in r.get("values", []) for r in rows)]
            parameters[name]["values"] = shared
    return {"module": first["module"], "parameters": parameters}


def modules(contract: Path) -> dict[str, str]:
    """Give the text of each module, from a gzipped JSON {release: {cmdlet: ...}}."""
    releases = json.loads(gzip.decompress(contract.read_bytes())).values()
    return render({name: common(releases, name) for name in ANSWERS})


def render(cmdlets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Give the text of each module by its name."""
    texts: dict[str, list[str]] = {}
    for name in sorted(cmdlets):
        module = str(cmdlets[name]["module"])
        texts.setdefault(module, [HEAD]).append(_function(name, cmdlets[name]["parameters"]))
    return {module: "\n".join(parts) + "\n" for module, parts in texts.items()}


def _function(cmdlet: str, parameters: Mapping[str, Mapping[str, Any]]) -> str:
    asks = {name.lower() for name in parameters} >= COMMON
    binding = "PositionalBinding = $false" + ", SupportsShouldProcess = $true" * asks
    rows = [_parameter(n, r) for n, r in sorted(parameters.items()) if n.lower() not in COMMON]
    body = ",\n".join(f"        {row}" for row in rows)
    return (
        f"function {cmdlet} {{\n    [CmdletBinding({binding})]\n    param(\n{body}\n    )\n"
        f"    Invoke-WnLab -Cmdlet '{cmdlet}' -Bound $PSBoundParameters -Caller $PSCmdlet\n}}"
    )


def _parameter(name: str, row: Mapping[str, Any]) -> str:
    words = []
    if row.get("aliases"):
        words.append("[Alias(" + ", ".join(f"'{alias}'" for alias in row["aliases"]) + ")]")
    base = str(row["type"]).rsplit(".", 1)[-1]
    plain = base.removesuffix("[]")
    many = base.endswith("[]") or plain in FLAGS
    kind = TYPES.get(plain.lower(), "object")
    if row.get("values"):
        words.append("[ValidateSet(" + ", ".join(f"'{value}'" for value in row["values"]) + ")]")
        kind = "string" if kind == "object" else kind
    words.append(f"[{kind}{'[]' * many}]${name}")
    return " ".join(words)


if __name__ == "__main__":
    for name, text in modules(Path(sys.argv[1])).items():
        (MODULES / f"{name}.psm1").write_text(text, encoding="ascii")
