"""The page file of a drive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value

# 16 TB: blogs.technet.microsoft.com/askperf/2007/12/14/what-is-the-page-file-for-anyway
LEAST_MB, MOST_MB = 1, 16 * 1024 * 1024
SIZES = ("initial_mb", "maximum_mb")


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """Sizes belong to a fixed page file, and it needs both."""
    for field in SIZES:
        if values.get("mode") == "fixed" and field not in values:
            yield field, f"missing; it takes a number from {LEAST_MB} where mode is fixed"
        if values.get("mode") in {"automatic", "system", "none"} and field in values:
            yield field, "given where mode is not fixed; leave it out"
    initial, maximum = (values.get(field) for field in SIZES)
    if isinstance(initial, int) and isinstance(maximum, int) and maximum < initial:
        yield "maximum_mb", f"is {maximum}; it takes a number from initial_mb, {initial}"


KIND = Kind(
    name="pagefile",
    doc="The page file of a drive; it changes with a reboot.",
    rule=_rule,
    example="{drive: 'C:', mode: fixed, initial_mb: 8192, maximum_mb: 8192}",
    fields=(
        Field(
            name="drive",
            type="text",
            role="key",
            required=True,
            pattern="[A-Za-z]:",
            form="a drive such as C:, in quotes",
            doc="Drive that the file lies on.",
        ),
        Field(
            name="mode",
            type="text",
            role="want",
            required=True,
            allowed=("automatic", "system", "fixed", "none"),
            doc="automatic: Windows cares for all drives. system: it chooses the size on this one.",
        ),
        *(
            Field(
                name=field,
                type="number",
                role="want",
                minimum=LEAST_MB,
                maximum=MOST_MB,
                doc=f"Size {when} in MB, where mode is fixed.",
            )
            for field, when in zip(SIZES, ("at the boot", "up to which it may grow"), strict=True)
        ),
    ),
)
