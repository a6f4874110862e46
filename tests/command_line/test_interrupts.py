"""Ctrl-C, sent to commands as they load and while they export."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from tf_gmvae import interrupts
from tf_gmvae.serving import versions


@pytest.fixture(autouse=True)
def heard():
    # A shell's background job, `make test &`, would have the tests' process ignore Ctrl-C.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def test_a_command_that_still_loads_ends_quietly():
    process = subprocess.Popen(
        [sys.executable, "-m", "train.evaluate", "--run=x"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    # The first of TensorFlow's libraries is there, seconds of imports are to come.
    while "tensorflow" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == 130


def swallow():
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_is_swallowed_or_made_another_error_comes_through():
    with pytest.raises(KeyboardInterrupt), interrupts.not_lost():
        swallow()
    with pytest.raises(KeyboardInterrupt), interrupts.not_lost():
        swallow()
        raise TypeError("of tracing")
    with pytest.raises(TypeError, match="of its own"), interrupts.not_lost():
        raise TypeError("of its own")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_ends_with_the_one_to_which_its_pipe_leads():
    read, written = os.pipe()
    former = signal.signal(signal.SIGTERM, interrupts.terminate)
    try:
        with pytest.raises(interrupts.Terminated):
            interrupts.end_with(read)
            os.close(written)  # as the system does for a process that is killed
            time.sleep(60)
    finally:
        signal.signal(signal.SIGTERM, former)
        os.close(read)


def test_an_interrupted_export_leaves_no_version(tmp_path):
    reached = []
    with pytest.raises(KeyboardInterrupt), versions.new_version(tmp_path / "models") as version:
        (version.partial / "saved_model.pb").write_text("whole")
        signal.raise_signal(signal.SIGINT)
        reached.append("the end")
    assert reached
    assert list((tmp_path / "models").iterdir()) == []
    with pytest.raises(KeyboardInterrupt), versions.new_version(tmp_path / "models"):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        reached.append("beyond the second")
    assert reached == ["the end"]
    assert list((tmp_path / "models").iterdir()) == []
