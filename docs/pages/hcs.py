"""docs/hcs.md: the Host Compute Service, and the calls of programs."""

from __future__ import annotations

from pages.text import written
from wincnode.hcs.calls import ACTIONS, takes
from wincnode.hcs.rungs import RUNGS
from wincnode.hcs.verbs import Fields


def hcs_page() -> str:
    """Give docs/hcs.md: the driver explained, a section for each rung, and the verbs."""
    text = written("hcs")
    rungs = [
        f"\n## smoke.{rung.id}\n\n{rung.title}.\n\n- proves: {rung.proves}\n"
        f"- needs: {', '.join(f'smoke.{name}' for name in rung.needs) or 'nothing'}\n"
        f"- remedy: {rung.remedy}\n- source: {rung.source}\n"
        for rung in RUNGS
    ]
    verbs = [
        f"| `{name}` | {', '.join(f'{arg}: {kind}' for arg, kind in takes(action).items())} | "
        f"{_gives(action.gives)} | {(action.__doc__ or '').splitlines()[0]} |\n"
        for name, action in ACTIONS.items()
    ]
    head = "\n## Verbs\n\n| verb | takes | gives | |\n|---|---|---|---|\n"
    return text + "".join(rungs) + head + "".join(verbs)


def _gives(fields: Fields) -> str:
    return ", ".join(f"{name or 'itself'}: {kind}" for name, kind in fields.items()) or "nothing"
