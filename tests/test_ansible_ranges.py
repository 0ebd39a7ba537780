"""Host patterns of Ansible: what they stand for, and which are refused."""

from __future__ import annotations

import time

import pytest

from wincnode.inventory.ansible.ranges import LIMIT_HOSTS, expand


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("win1", ["win1"], None),
        ("win1:5985", ["win1"], 5985),
        ("w[1:3]", ["w1", "w2", "w3"], None),
        ("w[01:03].x:5986", ["w01.x", "w02.x", "w03.x"], 5986),
        ("w[:2]", ["w0", "w1", "w2"], None),
        ("w[08:12:2]", ["w08", "w10", "w12"], None),
        ("w[9:10]", ["w9", "w10"], None),
        ("d-[a:c]", ["d-a", "d-b", "d-c"], None),
        ("[y:B]", ["y", "z", "A", "B"], None),
        ("r[1:2]n[a:b]", ["r1na", "r1nb", "r2na", "r2nb"], None),
        ("fe80::1", ["fe80::1"], None),
        ("[fe80::1]:5985", ["fe80::1"], 5985),
        ("[fe80::[1:2]]:5985", ["fe80::1", "fe80::2"], 5985),
        ("192.0.2.[8:9]:15985", ["192.0.2.8", "192.0.2.9"], 15985),
        ("no host!:22", ["no host!:22"], None),
        ("", [""], None),
    ],
)
def test_a_pattern_stands_for_names_and_a_port(
    pattern: str, names: list[str], port: int | None
) -> None:
    """Leading zeros, steps, letters, several ranges, ports behind names and addresses."""
    assert expand(pattern) == (names, port)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("w[1:", "not closed"),
        ("w[1]", "a range is"),
        ("w[1:2:0]", "a range is"),
        ("w[1:b]", "a range is"),
        ("w[-1:3]", "a range is"),
        ("w[ab:c]", "a range is"),
        ("w[01:100]", "not equally long"),
        ("w[3:1]", "cannot begin at 3"),
        ("w[c:a]", "cannot begin at c"),
    ],
)
def test_a_range_that_is_none_is_refused(pattern: str, said: str) -> None:
    """The reason is told, and the form."""
    with pytest.raises(ValueError, match=said):
        expand(pattern)


@pytest.mark.parametrize("pattern", ["w[1:100000]", "w[0:999999999]", "w[1:999][1:999][1:999]"])
def test_more_hosts_than_any_fleet_has_are_refused_at_once(pattern: str) -> None:
    """The count is taken before a single name is made."""
    before = time.process_time()

    with pytest.raises(ValueError, match=f"more than {LIMIT_HOSTS} hosts"):
        expand(pattern)

    assert time.process_time() - before < 0.1


def test_the_largest_number_of_hosts_is_taken() -> None:
    """The limit itself is inside."""
    assert len(expand(f"w[1:{LIMIT_HOSTS}]")[0]) == LIMIT_HOSTS
