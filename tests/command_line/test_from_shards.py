"""train.shards by processes that are killed, and runs on its shards from the start to the export."""

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from absl import flags
from conftest import ROOT, run_python
from PIL import Image
from support.commands import run_all

from tf_gmvae.data import load
from tf_gmvae.data.shards.manifest import load_shards
from train.run import live, samples, score_table
from train.run.folder import RunFolder
from train.run.loading import data_to_train_on, load_data
from train.run.run import Run
from train.run.settings import Settings


def children(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def are_running(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
@pytest.mark.parametrize("number, status", [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_is_stopped_while_files_are_written_leaves_no_process_and_nothing_half(number, status, tmp_path):
    """The main process alone gets the signal; of Ctrl-C, which all get, nothing is heard from the others."""
    numbers = np.arange(320_000, dtype="float32").reshape(-1, 1) * np.ones(20, "float32")
    np.save(tmp_path / "x.npy", numbers)
    small = "from tf_gmvae.data.streams import source; source.PIECE = 160_000; from train import cli, shards; "
    call = ["-c", f"{small}cli.run(shards.main)", f"--dataset={tmp_path / 'x.npy'}"]
    call += [f"--output={tmp_path / 'shards'}", "--processes=2"]
    process = subprocess.Popen(
        [sys.executable, *call], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    while process.poll() is None and not list((tmp_path / "shards").glob("*.partial*")):
        time.sleep(0.01)
    others = children(process)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and b"Traceback" not in errors, errors
    deadline = time.monotonic() + 5
    while are_running(others) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(others) >= 2 and not are_running(others)
    assert [path.name for path in (tmp_path / "shards" / ".finished").iterdir()] == ["plan.json"]
    left = [path.name for path in (tmp_path / "shards").iterdir() if path.name != ".finished"]
    assert all(".partial-" in name for name in left) and (not left or number == signal.SIGKILL)
    if number == signal.SIGKILL:
        again = run_python(*call)
        assert again.returncode == 0, again.stderr
        train = load_shards(tmp_path / "shards").train
        np.testing.assert_array_equal(train.take(np.arange(train.num_examples)).examples, numbers)
        assert len(list((tmp_path / "shards").iterdir())) == 3
        checked = run_all("train.shards", [[f"--check={tmp_path / 'shards'}"]])[0]
        assert checked.returncode == 0, checked.stderr


@pytest.mark.slow
def test_what_was_killed_goes_on_and_every_example_is_there_once(tmp_path):
    numbers = np.arange(400_000, dtype="float32").reshape(-1, 1) * np.ones(20, "float32")
    np.save(tmp_path / "x.npy", numbers)
    # Files of fewer examples than by default, so that there are several of them.
    small = "from tf_gmvae.data.streams import source; source.PIECE = 65_536; from train import cli, shards; "
    call = ["-c", f"{small}cli.run(shards.main)", f"--dataset={tmp_path / 'x.npy'}"]
    call += [f"--output={tmp_path / 'shards'}", "--processes=2"]
    process = subprocess.Popen([sys.executable, *call], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    notes = tmp_path / "shards" / ".finished"
    while process.poll() is None and len(list(notes.glob("train*.json"))) < 2:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {path.name: path.stat().st_mtime_ns for path in notes.glob("train*.json")}
    assert finished and not (tmp_path / "shards" / "shards.json").exists()
    other = run_python(*call, "--series")
    assert other.returncode == 1 and "unfinished shards of other data or options" in other.stderr
    kept = {name: (tmp_path / "shards" / name.removesuffix(".json")).stat().st_mtime_ns for name in finished}
    again = run_python(*call)
    assert again.returncode == 0, again.stderr
    assert {name: (tmp_path / "shards" / name.removesuffix(".json")).stat().st_mtime_ns for name in kept} == kept
    train = load_shards(tmp_path / "shards").train
    found = train.take(np.arange(train.num_examples)).examples
    np.testing.assert_array_equal(found, numbers)
    assert not [path.name for path in (tmp_path / "shards").iterdir() if path.name.startswith(".")]
    checked = run_all("train.shards", [[f"--check={tmp_path / 'shards'}"]])[0]
    assert checked.returncode == 0 and "All 7 files are as they were written" in checked.stdout
    file = train.files[3].path
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    checked = run_all("train.shards", [[f"--check={tmp_path / 'shards'}"]])[0]
    assert checked.returncode == 1 and f"{file} is not what was written" in checked.stderr
    told = run_all("train.shards", [call[2:], [], [call[2]]])
    assert "holds shards already" in told[0].stderr and "Say what to read" in told[1].stderr
    assert all(answer.returncode == 1 and "--dataset= and --output=" in answer.stderr for answer in told[1:])


def test_images_of_shards_keep_their_size_in_runs_of_any_version(tmp_path):
    tmp_path = tmp_path / "it's $HOME"
    tmp_path.mkdir()
    np.save(tmp_path / "x.npy", np.zeros((9, 100, 100), "uint8"))
    made = run_all("train.shards", [[f"--dataset={tmp_path / 'x.npy'}", f"--output={tmp_path / 'shards'}"]])[0]
    assert made.returncode == 0, made.stderr
    asked = shlex.split(made.stdout.splitlines()[-1].partition("python")[2])
    assert f"--dataset={tmp_path / 'shards'}" in asked
    values = flags.FlagValues()
    Settings.define(values)
    values(["", f"--dataset={tmp_path / 'shards'}"])
    settings, folder = Settings.from_flags(values), RunFolder(tmp_path / "run")
    dataset, chosen = data_to_train_on(settings, folder)
    assert (dataset.train.data_shape, chosen.image_size) == ((64, 64, 1), 64)
    for began_with in (chosen, settings):  # as now, and as earlier versions, which did not know the size
        folder.path.mkdir(exist_ok=True)
        folder.flags.write_text(began_with.as_flags())
        _, again = data_to_train_on(settings, folder, resume=True)
        assert again.image_size == began_with.image_size
        load_data(again)


def some_digits():
    """Some digits in memory, which the runs have in shards."""
    digits = load("digits")
    train, test = (part.take(np.arange(count)) for part, count in ((digits.train, 300), (digits.test, 90)))
    return replace(digits, train=train, test=test)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run on some digits in shards, and what was said: of the run, of --resume and of other commands."""
    folder, digits = tmp_path_factory.mktemp("runs"), some_digits()
    arrays = {"x_train": digits.train.examples, "y_train": digits.train.labels}
    np.savez(folder / "digits.npz", **arrays, x_test=digits.test.examples, y_test=digits.test.labels)
    made = run_all("train.shards", [[f"--dataset={folder / 'digits.npz'}", f"--output={folder / 'shards'}"]])[0]
    assert made.returncode == 0, made.stderr
    names = folder / "names.csv"
    names.write_text("id,name\n200,zero\n201,one\n")
    common = [f"--dataset={folder / 'shards'}", "--num_components=10", f"--runs_dir={folder}", "--name=run"]
    common.append(f"--saved_models_dir={folder / 'saved'}")
    calls = {
        "first": [
            *common,
            "--epochs=1",
            "--save_every_steps=5",
            "--noreport",
            "--noexport",
            "--noanswers",
            "--nofloors",
        ],
        "resumed": [*common, "--epochs=2", "--resume", f"--names={names}"],
        "guided": [*common[:-2], "--name=guided", f"--guide_labels={names}"],
        "resized": [*common[:-2], "--name=resized", "--image_size=16"],
    }
    answers = dict(zip(calls, run_all("train.main", calls.values(), least_steps=20), strict=True))
    run = folder / "run"
    answers["evaluate"] = run_all("train.evaluate", [[f"--run={run}", "--nofloors"]])[0]
    answers["predict"] = run_all(
        "train.predict",
        [[f"--run={run}", f"--dataset={folder / 'shards'}", f"--output={folder / 'found.csv'}"]],
    )[0]
    answers["method"] = run_all(
        "train.method", [["--method=dec", f"--dataset={folder / 'shards'}", f"--runs_dir={folder}"]]
    )[0]
    answers["table1"] = run_all(
        "train.table1", [[f"--dataset={folder / 'shards'}", f"--runs_dir={folder / 'table1'}", "--components=2"]]
    )[0]
    return folder, answers


@pytest.mark.parametrize("call", ["first", "resumed", "evaluate", "predict"])
def test_a_run_on_shards(runs, call):
    _, answers = runs
    assert answers[call].returncode == 0, answers[call].stderr


def test_answers_are_of_every_example(runs):
    folder, _ = runs
    found = pyarrow.parquet.read_table(folder / "run" / "clusters.parquet").to_pydict()
    digits = some_digits()
    expected = [*map(str, range(digits.train.num_examples)), *map(str, range(digits.test.num_examples))]
    assert found["id"] == expected and set(found["split"]) == {"train", "test"}
    lines = (folder / "run" / "clusters.csv").read_text().splitlines()
    assert len(lines) == len(expected) + 1
    asked = (folder / "found.csv").read_text().splitlines()
    assert [line.split(",")[2] for line in asked[1:]] == [line.split(",")[2] for line in lines[1:]]
    assert {"zero", "one"} & set(found["name"])


def test_scores_say_what_they_are_of(runs):
    folder, _ = runs
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    assert metrics["num_examples"] == metrics["drawn_from"] == some_digits().test.num_examples
    assert metrics["epochs"] == 2 and (folder / "run" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    "call, sentence",
    [
        ("guided", "--guide_labels takes examples in memory, and those of"),
        ("resized", "image_size applies to"),
        ("method", "train.method takes no shards: give --dataset= the data they were made of, or use train.main"),
        ("table1", "train.table1 takes no shards: give --dataset="),
    ],
)
def test_what_does_not_go_with_shards(runs, call, sentence):
    _, answers = runs
    assert answers[call].returncode == 1 and sentence in answers[call].stderr


def test_every_example_in_shards_can_be_explored(runs, monkeypatch):
    folder, _ = runs
    monkeypatch.setattr(live, "MOST", 30)
    served = live.Live(Run.open(str(folder / "run")))
    digits = some_digits()
    assert [each["row"] for each in served.find("20")] == [20, 320]
    for row, split, number in ((20, digits.train, 20), (320, digits.test, 20)):
        told = served.example(row)
        assert (told["id"], told["label"]) == ("20", str(split.labels[number]))
        picture = np.asarray(Image.open(io.BytesIO(served.picture(row, decoded=False))))
        np.testing.assert_allclose(picture, 255 * split.examples[number, :, :, 0], atol=1)


def test_a_sample_is_said_to_be_one(runs, monkeypatch):
    folder, _ = runs
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    metrics = {**metrics, "num_examples": 100, "drawn_from": 5000}
    assert "100 test examples, drawn from 5,000" in score_table.table(metrics)
    train = load_shards(folder / "shards").train
    monkeypatch.setattr(samples, "EXAMPLES", 50)
    parts = [samples.in_memory(train, seed) for seed in (0, 0, 1)]
    assert all(part.num_examples == 50 for part in parts)
    numbers = parts[0].ids.astype(int)  # of all examples, not of the sample
    np.testing.assert_array_equal(parts[0].examples, some_digits().train.examples[numbers])
    np.testing.assert_array_equal(parts[0].examples, parts[1].examples)
    assert (parts[0].examples != parts[2].examples).any()
    monkeypatch.setattr(samples, "BYTES", 7 * parts[0].examples[0].nbytes)
    assert samples.in_memory(train, 0).num_examples == 7
    monkeypatch.setattr(samples, "CHUNK", 80)
    chunks = list(samples.chunks(train))
    assert len(chunks) == -(-train.num_examples // 80)
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == list(map(str, range(train.num_examples)))
