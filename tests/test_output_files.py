"""Where reports go: stdout and files, each replaced as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wincnode.cli.outputs import Wish, deliver, wishes, write
from wincnode.formats import FORMATS


def test_stdout_gets_the_default_where_nothing_else_goes() -> None:
    """A report in a file alone still tells a person how it went."""
    assert wishes(None, FORMATS, default="table") == (Wish(format="table"),)
    assert wishes(["json=-"], FORMATS, default="table") == (Wish(format="json"),)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Its permissions stay, a link stays a link, and what fails leaves the old one."""
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(real)

    write(link, "new")
    with pytest.raises(UnicodeEncodeError):
        write(real, "\ud800")

    assert (real.read_text(), link.is_symlink()) == ("new\n", True)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    """Other users of a CI host may read it, as far as the umask says."""
    (tmp_path / "plain").touch()

    write(tmp_path / "report", "x")

    assert (tmp_path / "report").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    """A shell's >(...) and devices are no files to be replaced."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader:
        (wish,) = wishes([f"json=/dev/fd/{writing}"], FORMATS, default="")
        assert wish.path
        write(wish.path, "x")
        os.close(writing)
        assert reader.read() == "x\n"


def test_a_file_that_cannot_be_written_any_more_holds_up_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, and the others arrive."""
    made = [(Wish(format="json", path=tmp_path / "gone" / "a"), "1")]
    made += [(Wish(format="json", path=tmp_path / "b"), "2")]

    assert not deliver(made)
    assert (tmp_path / "b").read_text() == "2\n"
    assert "gone/a: cannot be written: No such file" in capsys.readouterr().err
