"""What HNS answers is explained, code by code."""

from __future__ import annotations

import pytest

from wincnode.commands.networks import likely
from wincnode.hcs.codes import code
from wincnode.hcs.errors import explain, load_meanings

KNOWN = load_meanings()
# Of HCN_E_NETWORK_NOT_FOUND to HCN_E_VFP_NOT_ALLOWED.
# Source: the page hcnhresult of learn.microsoft.com/virtualization/api/hcn/reference
CODES = range(0x803B0001, 0x803B0038)


@pytest.mark.parametrize("value", CODES, ids=hex)
def test_every_code_of_hns_has_a_name_and_a_cause_of_its_own(value: int) -> None:
    """Not that of the family alone, which knows no remedy."""
    reasons = explain(value, KNOWN)

    assert code(value, KNOWN.names).name.startswith(("HCN_", "GCN_E_"))
    assert reasons
    for reason in reasons:
        assert reason.cause.id.startswith("hns.")
        assert reason.cause.id not in {"hns.family", "hns.says"}
        assert reason.cause.remedy
        assert reason.cause.source


def test_a_failure_of_the_node_is_told_with_what_helps() -> None:
    said = likely("HcnCreateNetwork failed with 0x803B0006: An adapter was not found.")

    assert said.startswith("The network's adapter is not there: ")
    assert "`wincnode network plan NODE`" in said
    assert said.endswith("`wincnode explain 0x803B0006` says more.")
    assert likely("something else") == ""
