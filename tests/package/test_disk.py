"""Files that appear whole or not at all, and touch nothing beside them."""

import errno
import os
import socket

import pytest
from support.rights import of_a_user

from tf_gmvae import disk

HOST = socket.gethostname()
# Larger than any that Linux gives.
NOBODY = 2**31 - 1


def test_a_file_takes_no_name_that_somebody_has(tmp_path):
    beside = {name: name for name in ("new.partial.csv", "new.csv.partial", ".new.csv")}
    for name, text in beside.items():
        (tmp_path / name).write_text(text)
    with disk.whole(tmp_path / "new.csv") as partial:
        assert partial.name.startswith(".") and partial.suffix == ".csv"
        partial.write_text("new.csv")
    with pytest.raises(RuntimeError, match="half-way"), disk.whole(tmp_path / "other.csv") as partial:
        partial.write_text("half")
        raise RuntimeError("half-way")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {**beside, "new.csv": "new.csv"}


def test_two_writers_of_a_file_each_write_their_own(tmp_path):
    path = tmp_path / "new.csv"
    with disk.whole(path) as slow:
        slow.write_text("slow, ")
        with disk.whole(path) as quick:
            quick.write_text("quick")
        assert path.read_text() == "quick"
        slow.write_text("slow, and whole")
    assert path.read_text() == "slow, and whole" and list(tmp_path.iterdir()) == [path]


def test_what_was_killed_is_swept_and_what_may_live_is_not(tmp_path):
    with disk.unused(tmp_path, ".keras") as living:
        name = living.name
        assert name.endswith(".keras") and not living.exists()
        living.write_text("half")
        with disk.whole(tmp_path / "new.csv"):
            assert living.exists()
    here = name.removeprefix(disk.PARTIAL).split(f"-{os.getpid()}-")[0]
    assert here.startswith(f"{HOST}-")
    place = tmp_path / "place"  # a process sweeps a folder once
    place.mkdir()
    left_open = living.rename(place / name)

    def left(host, pid, days=0):
        path = place / f".partial-{host}-{pid}-0a{days}.keras"
        path.write_text("half")
        os.utime(path, (path.stat().st_mtime - 86_400 * days,) * 2)
        return path

    # A process of the same pid may have lived before, in a container above all; names without `here` are older.
    gone = [left_open, *(left(host, NOBODY) for host in (here, HOST))]
    gone += [left(here, os.getpid()), left("elsewhere", os.getpid(), days=2)]
    stays = [left(here, os.getppid(), days=2), left(HOST, os.getpid(), days=2), left("elsewhere", NOBODY)]
    stays += [left(f"{HOST}-0123abcd", NOBODY), place / ".partial-mine.csv"]  # of another container
    stays[-1].write_text("mine")
    with disk.whole(place / "new.csv") as partial:
        partial.write_text("new")
    assert not any(path.exists() for path in gone)
    assert sorted(place.iterdir()) == sorted([*stays, place / "new.csv"])


def test_a_place_that_knows_no_owners_or_modes_is_written(tmp_path, monkeypatch):
    def refused(*arguments, **options):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    (tmp_path / "a.csv").write_text("old")
    monkeypatch.setattr(os, "chown", refused)
    monkeypatch.setattr(os, "chmod", refused)
    with disk.whole(tmp_path / "a.csv") as partial:
        partial.write_text("new")
    assert (tmp_path / "a.csv").read_text() == "new"


def test_where_a_link_leads_to_is_written_and_keeps_its_mode(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.csv").symlink_to("kept/new.csv")
    for text in ("first", "second"):
        with disk.whole(tmp_path / "link.csv") as partial:
            partial.write_text(text)
        assert (tmp_path / "kept" / "new.csv").read_text() == text
        (tmp_path / "kept" / "new.csv").chmod(0o640)
        if os.geteuid() == 0:  # nobody else may give files away
            os.chown(tmp_path / "kept" / "new.csv", 12345, 54321)
    with disk.whole(tmp_path / "link.csv") as partial:
        partial.write_text("third")
    found = (tmp_path / "kept" / "new.csv").stat()
    assert found.st_mode & 0o777 == 0o640 and (os.geteuid() or (found.st_uid, found.st_gid) == (12345, 54321))
    assert (tmp_path / "link.csv").is_symlink() and len(list((tmp_path / "kept").iterdir())) == 1


def test_a_file_that_cannot_be_written_is_the_one_that_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "no" / "new.csv", tmp_path / "file" / "new.csv", tmp_path):
        with pytest.raises(OSError) as caught, disk.whole(path) as partial:
            partial.write_text("new")
        assert disk.sentence(caught.value).startswith(f"{path} cannot be written (")


def test_a_folder_that_is_gone_is_told_of(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OSError) as caught:
        os.getcwd()
    assert "has been removed: go to another one" in disk.sentence(caught.value)


def test_what_may_not_be_read_is_not_said_to_be_unwritable(tmp_path):
    for name in ("shut", "full", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("")
    (tmp_path / "open" / "a.csv").chmod(0)
    (tmp_path / "full").chmod(0o555)
    (tmp_path / "shut").chmod(0)
    read, written = (
        "read (Permission denied): check its permissions",
        "written (Permission denied): make it writable",
    )
    sentences = {
        (tmp_path / "open" / "a.csv", "r"): read,
        (tmp_path / "shut" / "a.csv", "r"): read,
        (tmp_path / "full" / "b.csv", "w"): written,
    }
    with of_a_user():
        for (path, way), said in sentences.items():
            with pytest.raises(PermissionError) as caught:
                path.open(way)
            assert disk.sentence(caught.value) == f"{path} cannot be {said}"
        with pytest.raises(PermissionError) as caught:
            os.listdir(tmp_path / "shut")
        assert disk.sentence(caught.value, "a run") == f"{tmp_path / 'shut'} cannot be {read}"
    (tmp_path / "shut").chmod(0o755)
