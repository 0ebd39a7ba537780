"""What Ansible itself makes of inventories: `ansible-inventory --list`, and its connections.

One process answers for all, with a fork for each inventory, as the import takes half a second.
stdin: [{"paths": [..], "vault": FILE or null}, ..]; stdout: a list of answers, each with `list`,
what `ansible-inventory --list` printed, and `connections`, what the plugins would connect with.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.cli.inventory import InventoryCLI
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader, inventory_loader
from ansible.template import Templar


def main() -> None:
    jobs = json.load(sys.stdin)
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        warm_up()
        for number, job in enumerate(jobs):
            place = Path(folder) / str(number)
            child = os.fork()
            if not child:
                status = 1
                try:
                    answer(job, place)
                    status = 0
                except Exception:  # noqa: BLE001 - told where the answer is missed
                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(status)
            _, status = os.waitpid(child, 0)
            answers.append(json.loads(place.read_text()) if not status else {"failed": True})
    json.dump(answers, sys.stdout)


def warm_up() -> None:
    """Load all plugins once, before the forks; each would load them anew otherwise."""
    init_plugin_loader()
    for name in constants.INVENTORY_ENABLED:
        inventory_loader.get(name)
    for name in ("winrm", "psrp"):
        connection_loader.get(name, PlayContext(), os.devnull)


def answer(job: dict[str, Any], place: Path) -> None:
    words = ["ansible-inventory", "--list", "--output", f"{place}.list"]
    words += [word for path in job["paths"] for word in ("-i", path)]
    words += ["--vault-password-file", job["vault"]] if job["vault"] else []
    cli = InventoryCLI(words)
    cli.parse()
    try:
        cli.run()
    except SystemExit as ended:
        if ended.code:
            raise
    listed = json.loads(Path(f"{place}.list").read_text())
    place.write_text(json.dumps({"list": listed, "connections": connections(cli)}))


def connections(cli: InventoryCLI) -> dict[str, Any]:
    """Give what the plugins would connect with, as they work it out themselves."""
    found = {}
    for host in cli.inventory.get_hosts():
        values = cli.vm.get_vars(host=host, include_hostvars=False, stage="all")
        plugin = str(values.get("ansible_connection", "")).rpartition(".")[2]
        if plugin in {"winrm", "psrp"}:
            link = connection_loader.get(plugin, PlayContext(), os.devnull)
            try:
                found[host.name] = {"winrm": winrm, "psrp": psrp}[plugin](link, values, cli)
            except Exception as err:  # noqa: BLE001 - an answer too: Ansible refuses it
                found[host.name] = {"refused": f"{type(err).__name__}: {err}"}
    return found


def options(link: Any, values: dict[str, Any], cli: InventoryCLI) -> None:
    templar = Templar(loader=cli.loader, variables=values)
    link.set_options(var_options=link._resolve_option_variables(values, templar))


def winrm(link: Any, values: dict[str, Any], cli: InventoryCLI) -> dict[str, Any]:
    options(link, values, cli)
    link._build_winrm_kwargs()
    given = link._winrm_kwargs
    return {
        "address": link._winrm_host,
        "port": link._winrm_port,
        "scheme": link._winrm_scheme,
        "user": link._winrm_user,
        "password": link._winrm_pass,
        "auth": link._winrm_transport[0],
        "ca_file": given.get("ca_trust_path"),
        "cert_file": given.get("cert_pem"),
        "key_file": given.get("cert_key_pem"),
    }


def psrp(link: Any, values: dict[str, Any], cli: InventoryCLI) -> dict[str, Any]:
    options(link, values, cli)
    link._build_kwargs()
    given = link._psrp_conn_kwargs
    return {
        "address": given["server"],
        "port": given["port"],
        "scheme": "https" if given["ssl"] else "http",
        "user": given["username"],
        "password": given["password"],
        "auth": given["auth"],
        "ca_file": link.get_option("ca_cert"),
        "cert_file": given["certificate_pem"],
        "key_file": given["certificate_key_pem"],
    }


if __name__ == "__main__":
    main()
