"""Runs whose files are damaged, disks that are full, and whether the mend that is named works."""

import json
import os
import shutil
import warnings
import zipfile

import keras
import numpy as np
import pytest
from conftest import run_warm
from support.commands import run_all
from support.misuse import check_refused

from train.run import clusters, lock
from train.run.folder import RunFolder
from train.run.run import Run
from train.run.saved import Outdated, load_model

# Runs a command with files limited to a size, which fails as a full disk does; Python ignores the signal.
LIMITED = """
import resource, runpy, sys
size, command, *arguments = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))
sys.argv = [command, *arguments]
runpy.run_module(command, run_name="__main__", alter_sys=True)
"""


def limited(size, command, *arguments):
    return run_warm("-c", LIMITED, size, command, *arguments)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on a few points, exported by `train.main`; its folder, beside which lies saved_models."""
    folder = tmp_path_factory.mktemp("work")
    points = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    np.savez(folder / "points.npz", x=points, y=np.arange(400) % 5)
    arguments = [
        f"--dataset={folder / 'points.npz'}", "--noinitialize", "--epochs=1", "--name=arcs", "--noreport",
        "--nofloors",
        f"--runs_dir={folder / 'runs'}", f"--saved_models_dir={folder / 'saved_models'}",
    ]  # fmt: skip
    process, again = run_all("train.main", [arguments, [*arguments, "--resume"]])
    assert process.returncode == 0, process.stderr
    assert again.returncode == 0, again.stderr
    assert "Training: 1 epoch of 4 steps." in process.stdout and " s for 1 epoch\n" in process.stdout
    assert "The run is finished after epoch 1: nothing is left to train." in again.stdout
    assert f"The model has been exported already, to {folder / 'saved_models' / 'arcs' / '1'}/" in again.stdout
    assert sorted(path.name for path in (folder / "saved_models" / "arcs").iterdir()) == ["1", "latest"]
    return folder / "runs" / "arcs"


def damaged_runs(run, folder):
    """Copies of the run with one file damaged; dict of their names to part of the sentence."""

    def copy(name):
        return shutil.copytree(run, folder / name)

    history = copy("history-words") / "history.csv"
    history.write_text(history.read_text().replace("0,", "zero,", 1))
    (copy("history-binary") / "history.csv").write_bytes(b"\xff\xfe")
    history = copy("history-columns") / "history.csv"
    history.write_text("epoch,elbo\n0,-1\n")
    for name, content in (("text", "{"), ("empty", "{}")):
        (copy(f"start-{name}") / "start.json").write_text(content)
    (copy("examples-text") / "examples.json").write_text("[")
    (copy("start_clusters-cut") / "start_clusters.npy").write_bytes(b"\x93NUMPY")
    model = copy("model-cut") / "model.keras"
    model.write_bytes(model.read_bytes()[:3000])
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    other.save(copy("model-other") / "model.keras")
    version = f'"{keras.__version__}"'.encode()
    for kind, its_version in (("foreign", version), ("newer", b'"99.1.2"')):
        with (
            zipfile.ZipFile(copy(f"model-{kind}") / "model.keras", "w") as archive,
            zipfile.ZipFile(model.parents[1] / "model-other" / "model.keras") as kept,
        ):
            for name in kept.namelist():
                content = kept.read(name).replace(b'"Sequential"', b'"Foreign"')
                archive.writestr(
                    name, content.replace(version, its_version) if name == "metadata.json" else content
                )
    with zipfile.ZipFile(copy("model-archive") / "model.keras", "w") as archive:
        archive.writestr("letter.txt", "mine")
    (copy("flags-binary") / "run.flags").write_bytes(b"\xff\xfe")
    (copy("flags-unknown") / "run.flags").write_text("--dataset=synthetic\n--no_such=1\n")
    return {
        "history-words": "history.csv is damaged (could not convert",
        "history-binary": "history.csv is damaged",
        "history-columns": "history.csv is damaged (an epoch or its seconds are missing): move it away",
        "start-text": "start.json is damaged",
        "start-empty": "start.json is damaged ('seconds' is missing): move it away",
        "examples-text": "examples.json is damaged (",
        "start_clusters-cut": "start_clusters.npy is damaged (",
        "model-cut": "model.keras cannot be read (it is cut short, or no model that Keras has saved): put back",
        "model-other": "model.keras cannot be read (it holds something other than a GMVAE)",
        "model-foreign": "model.keras cannot be read (",
        "model-newer": "model.keras was saved with Keras 99.1.2, and cannot be read with the older "
        f"{keras.__version__}: install keras>=99.1.2",
        "model-archive": "model.keras cannot be read (",
        "flags-binary": "run.flags cannot be read (",
        "flags-unknown": "run.flags cannot be read (",
    }


def test_a_damaged_file_of_a_run_is_named(run, tmp_path):
    sentences = damaged_runs(run, tmp_path)
    check_refused(
        "train.evaluate", {(f"--run={tmp_path / name}",): said for name, said in sentences.items()}, tmp_path
    )
    (tmp_path / "metrics").mkdir()
    for name in ("run.flags", "model.keras"):
        shutil.copy(run / name, tmp_path / "metrics")
    (tmp_path / "metrics" / "metrics.json").write_text("{")
    exports = {
        (f"--run={tmp_path / 'metrics'}",): "metrics.json is damaged (",
        (f"--run={tmp_path / 'model-cut'}",): "model.keras cannot be read (it is cut short",
        (f"--run={run}", "--name=../x"): "holds a separator of folders: give another --name",
    }
    check_refused("train.export", exports, tmp_path, f"--saved_models_dir={tmp_path / 'sm'}")


@pytest.mark.slow
def test_what_the_sentences_on_damaged_files_advise_works(run, tmp_path):
    damaged_runs(run, tmp_path)
    (tmp_path / "metrics").mkdir()
    for name in ("run.flags", "model.keras"):
        shutil.copy(run / name, tmp_path / "metrics")
    (tmp_path / "history-words" / "history.csv").unlink()
    (tmp_path / "start-text" / "start.json").unlink()
    (tmp_path / "metrics" / "metrics.json").mkdir()  # in whose way no file can be written
    names = ("history-words", "start-text", "metrics")
    with lock.held(tmp_path / "start-text"):
        mended = run_all("train.evaluate", [[f"--run={tmp_path / name}", "--nofloors"] for name in names])
    trained = f"is being trained by process {os.getpid()}: these are the scores of epoch 1."
    assert [trained in answer.stdout for answer in mended] == [False, True, False]
    for answer in mended:
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.count("ELBO, nats") == 1
    assert (
        f"These scores are not stored: {tmp_path / 'metrics' / 'metrics.json'} cannot be written"
        in mended[-1].stdout
    )
    assert json.loads((tmp_path / "history-words" / "metrics.json").read_text())["epochs"] == 0


def test_what_another_model_said_is_not_stored_as_the_runs(run, tmp_path):
    """As of one that `train.main` has replaced, or trained on, in the meantime."""
    shutil.copytree(run, tmp_path / "run")
    before, asked = contents(tmp_path / "run"), Run.open(str(tmp_path / "run"))
    trained_on = (
        "import sys\nfrom train import cli, evaluate\nfrom train.run import scoring\nreal = scoring.examine\n"
        "def examine(run):\n"
        "    with run.folder.model.open('ab') as file:\n"
        "        file.write(b' ')\n"
        "    return real(run)\n"
        "scoring.examine = examine\ncli.run(evaluate.main)\n"
    )
    told = run_warm("-c", trained_on, f"--run={tmp_path / 'run'}", "--nofloors")
    assert told.returncode == 0, told.stderr
    assert "has another model than the one that was scored" in told.stdout and "ELBO, nats" in told.stdout
    with pytest.raises(Outdated, match="so nothing more is stored: give the same command again"):
        clusters.write(asked)
    assert contents(tmp_path / "run") == {**before, "model.keras": before["model.keras"] + b" "}


def test_a_warning_that_is_made_an_error_is_no_damage(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            load_model(RunFolder(run))
            raised = None
        except Exception as error:
            raised = error
    assert raised is None or isinstance(raised, Warning), raised  # of Keras itself


@pytest.mark.slow
def test_a_start_on_a_full_disk_ends_in_a_sentence(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(200, 20)).astype("float32"))
    arguments = [f"--dataset={tmp_path / 'rows.npy'}", "--num_components=3", "--name=new", "--nofloors"]
    process = limited(50_000, "train.main", *arguments, f"--runs_dir={tmp_path}", "--pretraining_epochs=1")
    assert process.returncode == 1, process.stdout
    assert process.stderr.startswith("error: ") and process.stderr.count("\n") == 1
    assert "pretraining.npz cannot be written (File too large): make room there; --resume" in process.stderr
    assert not [*tmp_path.rglob("*partial*"), *tmp_path.rglob("*.npz")]


@pytest.mark.slow
def test_another_method_on_a_full_disk_says_what_goes_on_and_that_goes_on(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(60, 4)).astype("float32"))
    arguments = [
        f"--dataset={tmp_path / 'rows.npy'}", "--method=catgan", "--num_components=2", "--epochs=1", "--noreport",
        f"--runs_dir={tmp_path}", "--name=new",
    ]  # fmt: skip
    process = limited(5_000, "train.method", *arguments)
    fault = "model.keras cannot be written (File too large): make room there; --resume begins the run again.\n"
    assert process.returncode == 1 and process.stderr.endswith(fault), process.stderr
    (again,) = run_all("train.method", [[*arguments, "--resume"]])
    assert again.returncode == 0, again.stderr


def test_shards_on_a_full_disk_end_in_a_sentence(tmp_path):
    process = limited(50_000, "train.shards", "--dataset=digits", f"--output={tmp_path / 'shards'}")
    assert process.returncode == 1, process.stdout
    assert process.stderr.splitlines()[-1].startswith("error: ")
    assert ".array_record cannot be written (File too large): make room there" in process.stderr
    assert "Traceback" not in process.stderr and not list(tmp_path.rglob("*.array_record"))


@pytest.mark.parametrize(
    ("size", "command", "sentence"),
    [
        (3000, "train.export", "cannot be written (File too large): make room there, or export to another"),
        pytest.param(
            5000,
            "train.report",
            "report.html cannot be written (File too large): make room there, then give",
            marks=pytest.mark.slow,
        ),
        (
            5000,
            "train.evaluate",
            "cannot be written (File too large): make room there, then give the same command again; "
            "metrics.json and hierarchy.json are stored.",
        ),
        (100_000, "train.main", "model.keras cannot be written (File too large): make room there; the run in"),
    ],
)
def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing_half_written(size, command, sentence, run, tmp_path):
    shutil.copytree(run, tmp_path / "arcs")
    (run.parent / "names.csv").write_text("cluster,name\n0,left\n1,right\n")
    before = contents(tmp_path)
    arguments = {
        "train.export": [f"--run={tmp_path / 'arcs'}", f"--saved_models_dir={tmp_path / 'sm'}"],
        "train.report": [f"--run={tmp_path / 'arcs'}"],
        "train.evaluate": [f"--run={tmp_path / 'arcs'}", "--nofloors", f"--names={run.parent / 'names.csv'}"],
        "train.main": [
            f"--flagfile={run / 'run.flags'}", "--noexport", f"--runs_dir={tmp_path}", "--name=arcs",
            "--overwrite",
        ],
    }[command]  # fmt: skip
    process = limited(size, command, *arguments)
    assert process.returncode == 1, process.stdout
    assert process.stderr.splitlines()[-1].startswith("error: "), process.stderr[-3000:]
    assert sentence in process.stderr.splitlines()[-1]
    assert "Traceback" not in process.stderr
    after = contents(tmp_path)
    after["arcs/metrics.json"] = before["arcs/metrics.json"]  # scored before it was drawn
    assert after == before
