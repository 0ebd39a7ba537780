"""What a preflight asks for, so that what is wrong with a machine of the lab is a defect."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from wincnode.checks import Member, Target, Wanted
from wincnode.commands import pulls
from wincnode.facts import Facts
from wincnode.images.named import Pull
from wincnode.inventory import parse
from wincnode.lab.clusters import REGISTRIES
from wincnode.lab.model.facts import facts_of
from wincnode.lab.model.host import Host
from wincnode.lab.model.reach import connectivity
from wincnode.lab.origin import origin
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import Profile

INVENTORY = """\
runtime:
{sandbox}  registries:
{registries}preflight: {{images: [{images}]}}
connection: {{user: u, password: {{env: P}}}}
nodes: {{a: }}
"""


def wished(profile: Profile, **usual: Any) -> Wanted:
    """Give what is asked for of a machine of a profile; `usual` is asked for of any."""
    rows = {**usual, **profile.wanted}
    sandbox, images = rows.pop("sandbox_image", ""), rows.pop("images", ())
    if sandbox or images:
        rows["images"] = pulled(sandbox, images)
    if "targets" in rows:
        rows["targets"] = tuple(Target(**row) for row in rows["targets"])
    if "members" in rows:
        rows["members"] = tuple(Member(**row) for row in rows["members"])
    return Wanted(**rows)


def pulled(sandbox: str, images: list[str]) -> tuple[Pull, ...]:
    """Ask the lab's registry for the images of an inventory, as a preflight does."""
    with origin() as files:
        rows = (
            f"    - {{host: {host}, server: '{files.url}', allow_unencrypted: true}}\n"
            for host in REGISTRIES
        )
        text = INVENTORY.format(
            sandbox=f"  sandbox_image: {sandbox}\n" if sandbox else "",
            registries="".join(rows),
            images=", ".join(images),
        )
        return pulls.ask(parse(text, Path("wincnode.yaml")), Facts())


def sections(machine: Machine, wanted: Wanted) -> dict[str, dict[str, Any]]:
    """Give a machine's facts, and what came of its tries to reach what is wanted."""
    found = facts_of(machine)
    if wanted.targets is not None:
        rows = [asdict(target) for target in wanted.targets]
        found["connectivity"] = connectivity(Host(machine), rows)
    return found
