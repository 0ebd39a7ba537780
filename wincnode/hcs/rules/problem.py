"""One rule that a call breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "id",
    "limit",
    "finally",
    "argument",
    "reference",
    "state",
    "owner",
    "folder",
    "layer",
    "release",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """The call, the rule, and what is wrong in words."""

    call: str
    rule: Rule
    text: str

    def __str__(self) -> str:
        return f"call {self.call}: {self.rule}: {self.text}"
