"""Two processes under one name of a run: the second is told so, and nothing of the first is touched."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, start_warm
from support.commands import run_all

from tf_gmvae import InputError
from train.run import lock
from train.run.folder import RunFolder

HOLD = """
import sys, time
from pathlib import Path
from train.run import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def holder(place):
    """Another process that holds the lock of a place; the block may kill it."""
    log = place.parent.parent / "log"
    log.touch()
    process = start_warm("-c", HOLD, place, out=log)
    try:
        while log.read_text() != "held\n":
            assert process.poll() is None, log.read_text()
            time.sleep(0.002)
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_second_process_is_refused_and_the_lock_dies_with_the_first(tmp_path):
    place = tmp_path / "runs" / "one"
    arguments = [f"--runs_dir={place.parent}", "--name=one", "--dataset=digits"]
    with holder(place) as first:
        commands = {"train.main": [[], ["--resume"], ["--overwrite"]], "train.method": [["--method=dec"]]}
        for command, ways in commands.items():
            for told in run_all(command, [[*arguments, *way] for way in ways]):
                assert told.returncode == 1
                assert f"{place} is being written by process {first.pid}: wait until" in told.stderr
        assert not place.exists()
        with pytest.raises(InputError, match=f"by process {first.pid}: wait"):
            lock.wait_for(place, 0)
        assert lock.holder(place) == f"process {first.pid}"
        first.send_signal(signal.SIGKILL)
        lock.wait_for(place, 60)
        with RunFolder(place).alone(), pytest.raises(InputError, match=f"by process {os.getpid()}: wait"):
            lock.held(place).__enter__()
    assert list(place.parent.iterdir()) == [] and lock.holder(place) is None


def test_another_way_to_the_same_place_is_the_same_place(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to("one")
    with RunFolder(tmp_path / "one").alone():
        for path in (tmp_path / "link", tmp_path / "." / "x" / ".." / "one"):
            with pytest.raises(InputError, match="is being written by process"), RunFolder(path).alone():
                pass
        with RunFolder(tmp_path / "two").alone():
            pass


def test_here_is_a_place_and_the_root_is_none(tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    message = "is being written by process"
    with lock.held(Path(".")), pytest.raises(InputError, match=message), RunFolder(tmp_path / "one").alone():
        pass
    with pytest.raises(InputError, match="/ is the root of all folders"), lock.held(Path("/")):
        pass


def test_what_is_not_needed_is_not_left_behind(tmp_path):
    with RunFolder(tmp_path / "a" / "b" / "run").alone():
        assert (tmp_path / "a" / "b" / ".run.lock").is_file()
    assert list(tmp_path.iterdir()) == []
    with RunFolder(tmp_path / "a" / "b" / "run").alone():
        (tmp_path / "a" / "b" / "run").mkdir()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["run"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), RunFolder(tmp_path / "file" / "run").alone():
        pass


def test_a_lock_on_a_file_that_is_gone_is_none(tmp_path, monkeypatch):
    real, removed = fcntl.flock, []

    def flock(file, how):
        real(file, how)
        if not removed:  # by the one who held it before
            removed.append(os.unlink(file.name))

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock.held(tmp_path / "run"):
        assert removed and (tmp_path / ".run.lock").is_file()


@pytest.mark.slow
def test_one_at_a_time_however_many_want_it(tmp_path):
    """Three processes take the lock ten times each and leave a mark as long as they have it."""
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom train.run import lock\nfrom tf_gmvae import InputError\n"
        "had = 0\n"
        "while had < 10:\n"
        "    try:\n"
        "        with lock.held(Path(sys.argv[1])):\n"
        "            mark = Path(sys.argv[1] + '.mark')\n"
        "            assert not mark.exists()\n"
        "            mark.write_text(''); time.sleep(0.001); mark.unlink()\n"
        "            had += 1\n"
        "    except InputError:\n"
        "        pass\n"
    )
    begun = [
        subprocess.Popen([sys.executable, "-c", script, str(Path(tmp_path) / "place")], cwd=ROOT) for _ in range(3)
    ]
    deadline = time.monotonic() + 120
    assert [process.wait(deadline - time.monotonic()) for process in begun] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []
