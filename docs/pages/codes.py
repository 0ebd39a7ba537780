"""docs/errors.md, docs/causes.md and docs/codes.md: what goes wrong, and why."""

from __future__ import annotations

from collections.abc import Mapping

from wincnode.causes import Cause, load_causes
from wincnode.error_ids import load_error_ids
from wincnode.hcs.errors import load_code_causes, load_meanings

EXIT_CODES = """\
| exit code | meaning |
|---|---|
| 0 | as wanted |
| 1 | a node or a download failed, or a run was cancelled |
| 2 | usage or configuration; no network was touched |
| 3 | changes are pending (`--plan --exit-code`, `lock --check`) |
| 4 | unreachable, or not let in |
| 5 | blocked by preflight (or warned, `--fail-on warning`), or denied (`compat --exit-code`) |
| 6 | another run holds the node |
| 70 | a bug of ours; the log file is named |
| 130 | interrupted |

Several at once: 130, then 1, 5, 4, 6, 3.
"""


def errors_page() -> str:
    """Give docs/errors.md: the exit codes, and a section for each error id."""
    parts = [f"# Errors\n\n{EXIT_CODES}"]
    for error in load_error_ids().values():
        source = f"- source: {error.source}\n" if error.source else ""
        parts.append(
            f"\n## {error.id}\n\n{error.title} (exit code {error.exit_code}).\n\n"
            f"- meaning: {error.meaning}\n- remedy: {error.remedy}\n{source}"
        )
    return "".join(parts)


CAUSES_INTRO = """\
# Causes

When a node does not come to be Ready, wincnode reads the ends of its logs, its services and its
files, and names what these lines point to. Here are all causes that it knows.
"""


def causes_page() -> str:
    """Give docs/causes.md: a section, and so an anchor, for each cause."""
    return CAUSES_INTRO + "".join(map(_cause, load_causes().values()))


def _cause(cause: Cause) -> str:
    pattern = cause.pattern.pattern if cause.pattern else ""
    return (
        f"\n## {cause.id}\n\n{cause.title}.\n\n- seen: {', '.join(cause.where)}: "
        f"`{pattern}`\n- cause: {cause.cause}\n- remedy: {cause.remedy}\n"
        f"- source: {cause.source}\n"
    )


CODES_INTRO = """\
# Codes of Windows

What `wincnode explain` knows of the error codes that Windows, its container platform and WinRM
show, and of what other programs say. It takes a code in any spelling, a name, a line as it was
pasted with its wraps and escapes, or a log:

```console
$ wincnode explain 0xC0370101
$ wincnode explain -1073741515
$ wincnode explain 'hcsshim::PrepareLayer failed in Win32: Incorrect function. (0x1)'
$ kubectl describe pod web | wincnode explain - -o json
```

A number counts before words. A code is no cause: the words beside it decide which of its causes is
the likeliest. With `-o json`, `code`, `name` and `component` are those of the code that says most,
`causes` has the causes with `remedy` and `source`, the likeliest first, and `recognised` all codes
of the text. Where no cause is known the exit code is 1, and what was recognised is printed.
Of a file, or of what comes on stdin, the last 256 KB are read. Names are known of {names} codes.
"""


def codes_page() -> str:
    """Give docs/codes.md: a section, and so an anchor, for each cause of a code."""
    known = load_meanings()
    text = CODES_INTRO.format(names=len(known.names))
    numbers = {name: f"0x{number:08X} {name}" for number, name in known.names.items()}
    return text + "".join(_code_cause(row, numbers) for row in load_code_causes().values())


def _code_cause(row: Cause, numbers: Mapping[str, str]) -> str:
    said = [f"`{pattern.pattern}`" for pattern in (row.pattern, row.near) if pattern]
    codes = f"- codes: {', '.join(f'`{numbers.get(name, name)}`' for name in row.codes)}\n" * bool(
        row.codes
    )
    words = f"- words: {' or '.join(said)}\n" * bool(said)
    return (
        f"\n## {row.id}\n\n{row.title}.\n\n{codes}{words}- cause: {row.cause}\n"
        f"- remedy: {row.remedy}\n- source: {row.source}\n"
    )
