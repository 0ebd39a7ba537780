"""What holds of a program before it is sent: it asks for nothing impossible and leaves nothing."""

from __future__ import annotations

from wincnode.errors import WincnodeError
from wincnode.hcs.program import Program
from wincnode.hcs.rules import lifecycle, resources, values
from wincnode.hcs.rules.problem import Problem


def problems(program: Program) -> tuple[Problem, ...]:
    """Say what is wrong with a program; of one whose values do not fit, no more than that."""
    found = tuple(values.problems(program))
    return found or (*lifecycle.problems(program), *resources.problems(program))


def checked(program: Program) -> Program:
    """Give the program back.

    Raises: WincnodeError: it breaks a rule; the message names each call and rule.
    """
    if found := problems(program):
        raise WincnodeError("\n".join(str(row) for row in found))
    return program
