"""What turns on WinRM over HTTPS on a new node, in the form that its platform takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from xml.sax.saxutils import escape

from wincnode import assets
from wincnode.errors import ConfigError

# What may stand between quotes in the printed script: nothing that PowerShell could read as code.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]{0,254}")
# EC2 takes 16 KB of user data (AWS ec2-windows-user-data).
EC2_LIMIT_BYTES = 16384
UNATTEND = """\
<settings pass="specialize">
  <component name="Microsoft-Windows-Deployment" processorArchitecture="amd64"
      publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"
      xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
    <RunSynchronous>
      <RunSynchronousCommand wcm:action="add">
        <Order>1</Order>
        <Description>{description}</Description>
        <Path>{path}</Path>
      </RunSynchronousCommand>
    </RunSynchronous>
  </component>
</settings>
"""
# Where the unattend fragment expects the text of the form `script`: the folder that Windows Setup
# itself looks into (learn.microsoft.com, add-a-custom-script-to-windows-setup).
UNATTEND_SCRIPT = r"C:\Windows\Setup\Scripts\winrm-setup.ps1"


def render(form: str, *, names: Sequence[str] = (), remote: Sequence[str] = ()) -> str:
    """Give the text for one platform.

    Args:
        form: `script`, `ec2`, `azure` or `unattend`.
        names: further DNS names or addresses of the node. remote: who may connect.

    Raises: ConfigError: a value that could be read as code, or an unknown form.
    """
    for value in (*names, *remote):
        if not WORD.fullmatch(value):
            raise ConfigError(f"{value!r} is no DNS name, address or range")
    if form not in FORMS:
        raise ConfigError(f"no form is called {form!r}; one of {', '.join(FORMS)}")
    return FORMS[form](_call(names, remote))


def _call(names: Sequence[str], remote: Sequence[str]) -> str:
    arguments = "".join(
        f" -{parameter} " + ",".join(f"'{value}'" for value in values)
        for parameter, values in (("Name", names), ("RemoteAddress", remote))
        if values
    )
    script = assets.node_script("winrm-setup")
    return f"& {{\n{script}}}{arguments}\n" if arguments else script


def _ec2(script: str) -> str:
    text = f"<powershell>\n{script}</powershell>\n"
    if len(text.encode()) > EC2_LIMIT_BYTES:
        raise ConfigError(f"EC2 takes {EC2_LIMIT_BYTES} bytes of user data; give fewer names")
    return text


def _unattend(_script: str) -> str:
    command = (
        f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {UNATTEND_SCRIPT}"
    )
    return UNATTEND.format(description="wincnode: WinRM over HTTPS", path=escape(command))


FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"script": str, "ec2": _ec2, "azure": str, "unattend": _unattend}
)
