"""Commands that are told to end, or killed, at any moment: the run ends as it would have without that."""

import csv
import random
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from conftest import run_warm, start_warm


def begun(folder, *arguments):
    """A training in a process of its own, and where its words go."""
    log = folder / "log"
    log.touch()
    return start_warm("-m", "train.main", f"--runs_dir={folder}", "--name=run", *arguments, out=log)


def outcome(run):
    """Weights and history, without what takes seconds."""
    with (run / "history.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return keras.saving.load_model(run / "model.keras").get_weights(), rows


def assert_same(run, other):
    (weights, rows), (others, other_rows) = outcome(run), outcome(other)
    assert rows == other_rows
    for ours, theirs in zip(weights, others, strict=True):
        np.testing.assert_array_equal(ours, theirs)


TWO_EPOCHS = [
    "--dataset=synthetic", "--noinitialize", "--epochs=2", "--batch_size=100", "--seed=3", "--noreport",
    "--noexport", "--nofloors", "--noanswers",
]  # fmt: skip


@pytest.fixture
def taken(tmp_path):
    """How many steps, of 200, a run had taken that SIGTERM stopped; it lies in `tmp_path / "run"`."""
    process = begun(tmp_path, *TWO_EPOCHS, "--save_every_steps=20")
    while not list((tmp_path / "run").glob("within-*.npz")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 143
    return int(keras.saving.load_model(tmp_path / "run" / "model.keras").optimizer.iterations)


def test_sigterm_saves_within_an_epoch(taken, tmp_path):
    log = (tmp_path / "log").read_text()
    assert log.rstrip().endswith("Stopped; --resume goes on at the step that was saved last.")
    assert "Traceback" not in log
    assert 20 <= taken < 200 and taken % 100
    assert not (tmp_path / ".run.lock").exists()


@pytest.mark.slow
def test_a_run_that_sigterm_stopped_goes_on_where_it_was(taken, tmp_path):
    whole, resumed = (
        run_warm("-m", "train.main", f"--runs_dir={tmp_path}", f"--name={name}", *TWO_EPOCHS, *more)
        for name, more in (("whole", []), ("run", ["--resume"]))
    )
    assert whole.returncode == resumed.returncode == 0, whole.stderr + resumed.stderr
    assert f"Going on at step {taken % 100 + 1} of epoch {taken // 100 + 1} of 2." in resumed.stdout
    assert_same(tmp_path / "run", tmp_path / "whole")
    names = {name: sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("run", "whole")}
    assert names["run"] == names["whole"]


@pytest.mark.slow
def test_a_run_that_is_moved_away_while_it_trains_says_so(tmp_path):
    arguments = [
        "--dataset=synthetic", "--noinitialize", "--epochs=20", "--batch_size=100", "--seed=3", "--noreport",
        "--noexport", "--nofloors", "--noanswers",
    ]  # fmt: skip
    process = begun(tmp_path, *arguments)
    history = tmp_path / "run" / "history.csv"
    while process.poll() is None and not (history.is_file() and len(history.read_bytes().splitlines()) > 3):
        time.sleep(0.002)
    (tmp_path / "run").rename(tmp_path / "away")
    assert process.wait() == 1
    log = (tmp_path / "log").read_text()
    told = f"the run in {tmp_path / 'run'} is gone: move it back to that place, and --resume goes on with it."
    assert log.rstrip().endswith(told) and "Traceback" not in log
    assert (tmp_path / "away" / "run.flags").is_file() and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    """Start, training, report and export included; as often by SIGKILL as by SIGTERM."""
    arguments = [
        "--dataset=digits", "--num_components=10", "--epochs=20", "--hold=20", "--save_every_steps=5",
        f"--saved_models_dir={tmp_path / 'sm'}",
    ]  # fmt: skip
    rng = random.Random(0)
    began = time.monotonic()
    assert begun(tmp_path, *arguments).wait() == 0
    took = time.monotonic() - began
    (tmp_path / "run").rename(tmp_path / "whole")
    shutil.rmtree(tmp_path / "sm")
    statuses = []
    for kill in range(20):
        process = begun(tmp_path, *arguments, "--resume")
        time.sleep(rng.uniform(4, 4 + took / 3))
        process.send_signal((signal.SIGKILL, signal.SIGTERM)[kill % 2])
        statuses.append(process.wait())
    assert set(statuses) <= {-signal.SIGKILL, 143, -signal.SIGTERM, 0}, statuses
    assert begun(tmp_path, *arguments, "--resume").wait() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert_same(tmp_path / "run", tmp_path / "whole")
    for name in ("metrics.json", "report.html", "clusters.csv"):
        assert (tmp_path / "run" / name).is_file()
    assert (tmp_path / "sm" / "run" / "latest" / "saved_model.pb").is_file()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
