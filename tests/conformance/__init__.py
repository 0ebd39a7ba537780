"""The cases of test_conformance: step kind x {absent, present, different, broken}."""

from conformance import artifacts, basics, leave, networks, programs, system, tasks
from conformance.case import Case

CASES: tuple[Case, ...] = (
    *basics.CASES,
    *artifacts.CASES,
    *leave.CASES,
    *networks.CASES,
    *programs.CASES,
    *system.CASES,
    *tasks.CASES,
)

__all__ = ["CASES", "Case"]
