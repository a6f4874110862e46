"""Which folder a command takes for its run."""

import sys
from pathlib import Path

import pytest
from absl import flags

from train.run import frame


def folder_of(monkeypatch, *arguments):
    """The folder of a command line of flags that `frame` knows; of flag files the names alone count here."""
    chosen = flags.FlagValues()
    for name in ("name", "runs_dir"):
        flags.DEFINE_string(name, None if name == "name" else "runs", "", flag_values=chosen)
    flags.DEFINE_bool("resume", False, "", flag_values=chosen)
    monkeypatch.setattr(sys, "argv", ["main.py", *arguments])
    chosen(["main.py", *[each for each in arguments if "flag" not in each]])
    return frame.folder_of(chosen, "by-default").path


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "elsewhere" / "mine"
    folder.mkdir(parents=True)
    (folder / "run.flags").write_text("--dataset=digits\n")
    (folder / "examples.json").write_text("{}")
    return folder


def test_resumed_by_its_flag_file_a_run_goes_on_where_it_is(run, monkeypatch):
    file = run / "run.flags"
    assert folder_of(monkeypatch, f"--flagfile={file}", "--resume") == run
    assert folder_of(monkeypatch, "--flagfile=digits.flags", f"-flagfile={file}", "--resume") == run
    monkeypatch.chdir(run)
    assert folder_of(monkeypatch, "--flagfile=run.flags", "--resume") == run
    monkeypatch.chdir(run.parent)
    assert folder_of(monkeypatch, "--flagfile=mine/run.flags", "--resume") == Path("mine")


def test_any_other_place_is_that_of_its_flags(run, monkeypatch):
    file, by_default = f"--flagfile={run / 'run.flags'}", Path("runs/by-default")
    assert folder_of(monkeypatch, file) == by_default  # another run of these settings
    assert folder_of(monkeypatch, "--resume") == by_default
    assert folder_of(monkeypatch, "--flagfile=digits.flags", "--resume") == by_default
    assert folder_of(monkeypatch, file, "--resume", "--name=own") == Path("runs/own")
    assert folder_of(monkeypatch, file, "--resume", "--runs_dir=other") == Path("other/by-default")
    (run / "examples.json").unlink()  # the flag file alone, copied to some folder
    assert folder_of(monkeypatch, file, "--resume") == by_default
