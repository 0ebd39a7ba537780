"""The table of Windows builds."""

from __future__ import annotations

from datetime import date

from wincnode.builds import load_builds, supported_builds


def test_supported_nodes_are_the_three_long_term_servers() -> None:
    """Kubernetes tests 2019, 2022 and 2025 only."""
    assert [row.build for row in supported_builds(load_builds())] == [17763, 20348, 26100]


def test_clients_are_never_supported_nodes() -> None:
    """A client of a server's build has the server's row, so no client row may say yes."""
    clients = [row for row in load_builds().values() if row.channel == "client"]
    assert {row.supported_node for row in clients} == {"no"}


def test_each_row_has_a_source_and_dates_in_order() -> None:
    """A row without a source is a rumour."""
    for row in load_builds().values():
        assert row.source
        dates = [day for day in (row.released, row.mainstream_end, row.extended_end) if day]
        assert all(isinstance(day, date) for day in dates)
        assert dates == sorted(dates)
