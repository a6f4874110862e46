"""The command line in processes of its own, killed, resumed and misused."""

import csv
import json
import re
import shutil
import signal
import time
from dataclasses import fields

import keras
import numpy as np
import pytest
from conftest import run_warm, start_warm
from support.commands import run_all
from support.finished import FLAGS, SHORT
from support.misuse import check_refused
from support.pages import check_self_contained

import tf_gmvae
from tf_gmvae import evaluation
from train.run.settings import Settings

REQUIRED = [
    "dataset", "num_components", "num_samples", "min_information", "seed", "epochs", "train_seconds",
    "images_per_second", "elbo", "reconstruction", "conditional_prior", "w_prior", "z_prior", "accuracy_table1",
    "accuracy_majority", "accuracy_hungarian", "nmi", "ari", "components_in_use", "versions", "start_seconds",
    "usage_entropy", "posterior_entropy", "active_x", "active_w", "collapse", "style_information",
    "table1_protocol",
]  # fmt: skip


def train(*arguments):
    # Reports and exports have tests of their own.
    return run_warm("-m", "train.main", "--noreport", "--noexport", *arguments)


def history(run):
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def history_size(run):
    return (run / "history.csv").stat().st_size if (run / "history.csv").exists() else 0


def test_a_run_leaves_all_it_promises(finished):
    run = finished.run
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(REQUIRED) <= set(metrics)
    assert (metrics["dataset"], metrics["num_components"], metrics["epochs"]) == ("digits", 10, 3)
    for term in ("elbo", "reconstruction", "conditional_prior", "w_prior", "z_prior"):
        assert np.isfinite(metrics[term]), term
    sum_of_terms = metrics["reconstruction"] - sum(
        metrics[name] for name in ("conditional_prior", "w_prior", "z_prior")
    )
    assert metrics["elbo"] == pytest.approx(sum_of_terms, rel=1e-5)
    assert 0.1 <= metrics["accuracy_table1"] <= metrics["accuracy_majority"] <= 1
    assert metrics["train_seconds"] == pytest.approx(sum(float(row["seconds"]) for row in history(run)), abs=0.01)
    assert metrics["images_per_second"] == pytest.approx(3 * 1400 / metrics["train_seconds"], rel=0.01)
    assert [int(row["epoch"]) for row in history(run)] == [0, 1, 2]
    assert metrics["versions"]["tf-gmvae"] == tf_gmvae.__version__
    assert list((run / "tensorboard").rglob("events*"))
    assert sorted(path.name for path in run.iterdir()) == [
        "clusters.csv", "clusters.json", "clusters.parquet", "examples.json", "explorer.html", "hierarchy.json",
        "history.csv", "metrics.json",
        "model.keras", "report.html", "run.flags", "start.json", "start_assignments.npy", "start_clusters.npy",
        "tensorboard",
    ]  # fmt: skip
    start = json.loads((run / "start.json").read_text())
    assert start["seconds"] == metrics["start_seconds"] > 0
    assert sum(start["examples_a_component"]) == 1438
    before, test = np.load(run / "start_clusters.npy"), tf_gmvae.data.load("digits").test
    after = keras.saving.load_model(run / "model.keras").predict(test.examples).argmax(axis=1)
    assert metrics["start"]["changed"] == pytest.approx(np.mean(before != after), abs=0.01)
    accuracy = evaluation.majority_accuracy(np.eye(10)[before], test.labels)
    assert metrics["start"]["after"]["accuracy_majority"] == pytest.approx(accuracy)
    assert 0.3 < metrics["start"]["labels_found"]["accuracy_majority"] <= 1
    for row in history(run):
        assert 1 <= float(row["components_in_use"]) <= 10
        assert 0 <= float(row["posterior_entropy"]) <= float(row["usage_entropy"]) <= np.log(10) + 1e-6
        assert 0.1 <= float(row["test_accuracy_table1"]) <= 1
    for shown in ("Start 1/3", "after the start", "Table 1", "components in use", str(run), "train.evaluate --"):
        assert shown in finished.stdout


def test_tensorflow_rewrites_no_function_of_a_run(finished):
    # Each would take a twentieth of a second, and leave a file. The one that may be is of TensorFlow's own export.
    *_, rewritten = finished.stdout.splitlines()
    assert rewritten.startswith("Rewritten:")
    assert set(rewritten.split()[1:]) <= {"signature_wrapper"}


def test_a_run_ends_in_its_report(finished):
    folder = finished.run
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = check_self_contained(html)
    assert f"The run in pictures: {folder}/report.html" in finished.stdout
    metrics = json.loads((folder / "metrics.json").read_text())
    assert f"{100 * metrics['start']['changed']:.1f} % of the examples are in another component" in page.text
    assert f"{metrics['elbo']:.2f}" in page.text and "--num_components 10" in page.text
    for word in ("ELBO, nats", "w-prior, nats", "components in use", "training", "validation", "by label"):
        assert word in page.svg_text(), word
    means, walked = (
        [alt for alt in page.images() if part in alt] for part in ("Mean image of", ", walk along line 1 of w")
    )
    assert 1 <= len(walked) == min(6, len(means))
    assert len(html) < 1e6


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run, to write into."""
    return shutil.copytree(finished.run, tmp_path / finished.run.name)


def test_a_run_says_nothing_it_need_not(finished):
    assert "cuInit" not in finished.stderr
    assert "Warning" not in finished.stderr


def test_the_saved_model_is_the_scored_one(finished):
    run = finished.run
    model = keras.saving.load_model(run / "model.keras")
    test = tf_gmvae.data.load("digits").test
    scores = tf_gmvae.evaluation.scores(model.predict(test.examples, verbose=0), test.labels)
    metrics = json.loads((run / "metrics.json").read_text())
    for name, value in scores.items():
        assert metrics[name] == pytest.approx(value), name


def test_evaluate_scores_a_run_again(copied):
    before = json.loads((copied / "metrics.json").read_text())
    (copied / "metrics.json").unlink()
    process = run_warm("-m", "train.evaluate", f"--run={copied}")
    assert process.returncode == 0, process.stderr
    after = json.loads((copied / "metrics.json").read_text())
    assert after.keys() == before.keys()
    for record in (before, after):  # what takes seconds takes others each time
        floors = record["floors"]
        del floors["seconds"]
        for scores in floors["methods"].values():
            del scores["seconds"]
    for name, value in before.items():
        assert after[name] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value), name


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_it_had_not_been(finished, tmp_path):
    arguments = [*FLAGS, f"--runs_dir={tmp_path}", "--name=killed"]
    run = tmp_path / "killed"
    log = tmp_path / "log"
    log.touch()

    def killed(when, *more):
        """A process that gets its last signal as soon as it may."""
        process = start_warm("-c", SHORT, "--noreport", "--noexport", *arguments, *more, out=log)
        deadline = time.monotonic() + 300  # on a busy machine
        while not when() and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def history_has_begun():
        return history_size(run) > 0

    killed((run / "start" / "pretraining.npz").is_file)
    assert not (run / "model.keras").exists()
    seconds = json.loads((run / "start.json").read_text())["seconds"]
    # The row of the first epoch is there, and its model is there or on its way.
    killed(history_has_begun, "--resume")
    assert log.read_text().count("Going on after epoch ") == 1
    assert not (run / "start").exists() and not (run / "metrics.json").exists()
    assert json.loads((run / "start.json").read_text())["seconds"] > seconds > 0
    epochs_before = len(history(run))
    assert epochs_before < 3
    resumed = train(*arguments, "--resume", "--noreport", "--noexport", "--noanswers", "--nofloors")
    assert resumed.returncode == 0, resumed.stderr
    assert "Start 1/3" not in resumed.stdout
    assert [int(row["epoch"]) for row in history(run)] == [0, 1, 2]
    for ours, theirs in zip(history(run), history(finished.run), strict=True):
        for name in theirs.keys() - {"seconds"}:
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-4, abs=1e-5), name
    scores = [json.loads((folder / "metrics.json").read_text()) for folder in (run, finished.run)]
    assert scores[0]["elbo"] == pytest.approx(scores[1]["elbo"], rel=1e-4)


def save_images(folder, count):
    from PIL import Image

    rng = np.random.default_rng(0)
    for index in range(count):
        name = folder / f"{'ab'[index % 2]}" / f"{index}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (16, 16), "uint8")).save(name)
    return name


@pytest.fixture(scope="module")
def small_runs(tmp_path_factory):
    """Runs of a few seconds in one process: the folder of their data and runs, and what each answered, by name."""
    folder = tmp_path_factory.mktemp("small")
    save_images(folder / "images", 40)
    np.savez(folder / "table.npz", x=np.random.default_rng(0).normal(0, 1, (300, 5)).astype("float32"))
    # Finite, so the data pass; their squares are not, so the likelihood is infinite from the first step.
    np.savez(folder / "wide.npz", x=(3e38 * np.linspace(0.5, 1, 1500).reshape(300, 5)).astype("float32"))
    bare = [
        f"--dataset={folder / 'table.npz'}",
        "--min_information=0",
        "--epochs=2",
        "--learning_rate=1e-6",
        "--name=bare",
    ]
    calls = {
        "bare": [*bare, "--noinitialize"],
        "bare, resumed": [*bare, "--initialize", "--resume"],
        "images": [
            f"--dataset={folder / 'images'}", "--num_components=3", "--epochs=50", "--minutes=0",
            "--batch_size=64", "--noinitialize", "--name=pictures", "--report",
        ],
        "table": [
            f"--dataset={folder / 'table.npz'}", "--epochs=1", "--guided_epochs=0", "--name=table", "--report",
        ],
        "wide": [f"--dataset={folder / 'wide.npz'}", "--preset=synthetic", "--name=wide"],
    }  # fmt: skip
    common = ["--noreport", "--noexport", "--nofloors", f"--runs_dir={folder}"]
    answers = run_all("train.main", [[*common, *arguments] for arguments in calls.values()], least_steps=60)
    return folder, dict(zip(calls, answers, strict=True))


def test_the_bare_objective_is_a_flag_away_and_its_collapse_is_named(small_runs):
    folder, answers = small_runs
    assert answers["bare"].returncode == 0, answers["bare"].stderr
    metrics = json.loads((folder / "bare" / "metrics.json").read_text())
    assert metrics["start_seconds"] == 0
    assert not (folder / "bare" / "start.json").exists()
    assert answers["bare, resumed"].returncode == 1
    assert "--initialize=False" in answers["bare, resumed"].stderr


def test_a_budget_in_minutes_ends_a_run(small_runs):
    folder, answers = small_runs
    assert answers["images"].returncode == 0, answers["images"].stderr
    assert json.loads((folder / "pictures" / "metrics.json").read_text())["epochs"] == 1


def test_a_folder_of_images_becomes_a_run(small_runs):
    folder, answers = small_runs
    assert answers["images"].returncode == 0, answers["images"].stderr
    metrics = json.loads((folder / "pictures" / "metrics.json").read_text())
    assert (metrics["preset"], metrics["scored_on"], metrics["num_examples"]) == ("svhn", "train", 40)
    assert metrics["accuracy_hungarian"] is None
    assert metrics["accuracy_majority"] >= 0.5


def test_unlabelled_vectors_become_a_run(small_runs):
    folder, answers = small_runs
    assert answers["table"].returncode == 0, answers["table"].stderr
    html = (folder / "table" / "report.html").read_text(encoding="utf-8")
    assert "Stands out in column" in html
    assert "table.npz" in html
    assert str(folder) not in html  # whoever is sent it need not know where the data lie
    metrics = json.loads((folder / "table" / "metrics.json").read_text())
    assert (metrics["preset"], metrics["likelihood"]) == ("table", "columns")
    assert metrics["nmi"] is None
    assert metrics["components_in_use"] >= 1


@pytest.mark.slow
def test_the_reports_are_the_same_when_drawn_again(small_runs):
    folder, _ = small_runs
    runs = ("pictures", "table")  # with images, and with UMAP's map
    pages = [folder / name / page for name in runs for page in ("report.html", "explorer.html")]
    before = [page.read_text(encoding="utf-8") for page in pages]
    for page in pages:
        page.unlink()
    for process in run_all("train.report", [[f"--run={folder / name}"] for name in runs]):
        assert process.returncode == 0, process.stderr
    assert [page.read_text(encoding="utf-8") for page in pages] == before


def test_a_diverging_run_keeps_its_last_good_model(small_runs):
    folder, answers = small_runs
    process = answers["wide"]
    assert process.returncode == 1
    assert process.stderr.startswith("error: Training diverged: ")
    assert "reconstruction" in process.stderr
    assert "at step 1 of epoch 1" in process.stderr
    assert "Traceback" not in process.stderr
    assert not (folder / "wide" / "metrics.json").exists()


def test_a_run_is_replaced_when_the_first_epoch_of_the_new_one_is_saved(tmp_path):
    old = {"run.flags": b"--dataset=digits\n", "model.keras": b"the old model"}
    run, new = tmp_path / "runs" / "own", tmp_path / "runs" / ".own.new"
    run.mkdir(parents=True)
    for name, content in old.items():
        (run / name).write_bytes(content)
    arguments = [
        "-m", "train.main", "--noreport", "--noexport", "--nofloors", "--dataset=synthetic", "--noinitialize",
        "--epochs=2", f"--runs_dir={run.parent}", "--name=own", "--overwrite",
    ]  # fmt: skip
    (tmp_path / "log").touch()
    process = start_warm(*arguments, out=tmp_path / "log")
    while not (new / "run.flags").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert new.exists()
    assert {path.name: path.read_bytes() for path in run.iterdir()} == old
    again = run_warm(*arguments)
    assert again.returncode == 0, again.stderr
    assert f"The first epoch is saved: it replaces the run that was in {run}." in again.stdout
    assert [int(row["epoch"]) for row in history(run)] == [0, 1]
    assert keras.saving.load_model(run / "model.keras").optimizer.iterations == 200
    assert [path.name for path in run.parent.iterdir()] == ["own"]
    assert str(new) not in again.stdout


def bad_inputs(tmp_path):
    images = tmp_path / "images"
    broken = save_images(images, 5)
    broken.write_bytes(broken.read_bytes()[:40])
    (tmp_path / "empty").mkdir()
    idx = tmp_path / "idx"
    idx.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (idx / f"{name}-ubyte.gz").write_bytes(b"\x1f\x8b\x08\x00cut short")
    np.savez(tmp_path / "bright.npz", x=np.full((9, 8, 8), 255.0, "float32"))
    np.savez(tmp_path / "nan.npz", x=np.full((9, 8, 8), np.nan, "float32"))
    np.savez(tmp_path / "odd.npz", x=np.linspace(0, 1, 30 * 27 * 27, dtype="float32").reshape(30, 27, 27))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "nan.npz").read_bytes()[:100])
    np.savez(tmp_path / "wide.npz", x=(3e38 * np.linspace(0.5, 1, 1500).reshape(300, 5)).astype("float32"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.flags").write_text("--dataset=digits\n")
    (tmp_path / "used").mkdir()
    letter = tmp_path / "used" / "letter.txt"
    letter.write_text("mine")
    return {
        ("--dataset=minst",): "minst",
        (f"--dataset={tmp_path / 'empty'}",): "empty",
        (f"--dataset={images}",): broken.name,
        ("--dataset=mnist", f"--data_dir={idx}"): "train-images-idx3-ubyte.gz",
        (f"--dataset={tmp_path / 'bright.npz'}",): "divide by 255",
        (f"--dataset={tmp_path / 'nan.npz'}",): "NaN",
        (
            f"--dataset={tmp_path / 'odd.npz'}",
            "--image_size=27",
        ): "resize or pad images to an even height and width of at least 6",
        (f"--dataset={tmp_path / 'cut.npz'}",): "cut.npz",
        ("--dataset=digits", "--preset=mnist"): "Preset 'mnist' is for",
        ("--dataset=digits", "--image_size=9"): "image_size",
        ("--dataset=digits", "--num_components=2000"): "cannot make 2000 clusters",
        ("--dataset=digits", "--style_components=2000"): "cannot make 2000 groups of styles",
        ("--dataset=digits", "--name=used"): "is not empty",
        ("--dataset=digits", "--name=used", "--overwrite"): "something other than a run",
        (
            "--dataset=digits",
            "--name=../used",
            "--overwrite",
        ): "'../used' holds a separator of folders: give another",
        ("--dataset=digits", f"--name={tmp_path / 'used'}"): "holds a separator of folders",
        ("--dataset=digits", "--name="): "--name= is empty: give it a value, or leave it out",
        (
            f"--dataset={tmp_path / 'wide.npz'}",
            "--preset=synthetic",
            "--name=old",
            "--overwrite",
        ): "Training diverged",
        ("--dataset=digits", "--learning_rate=nan"): "--learning_rate=nan: nan is not a finite number > 0",
        ("--dataset=digits", "--learning_rate=0"): "0.0 is not a finite number > 0",
        ("--dataset=digits", "--falling_rate=maybe"): "flag --falling_rate=maybe: neither true nor false; --help",
        ("--dataset=digits", "--nofalling_rate=maybe"): "--nofalling_rate=maybe does not take an argument; --help",
        ("--dataset=digits", "--minutes=inf"): "inf is not a finite number >= 0",
        ("--dataset=digits", "--min_information=nan"): "nan is not a finite number >= 0",
        ("--dataset=digits", "--pretraining_beta=-1"): "-1.0 is not a finite number >= 0",
        ("--dataset=digits", "--num_componets=3"): "Did you mean: num_components",
        (f"--flagfile={tmp_path / 'no.flags'}",): "no.flags",
        (f"--flagfile={tmp_path / 'wide.npz'}",): "give --flagfile a text file",
        ("--dataset=mnist", f"--data_dir={tmp_path / 'mnits'}"): "mnits does not exist",
        ("--dataset=digits", "stray"): "Unknown argument 'stray'",
        # Said before the training, not after.
        (
            "--dataset=digits",
            f"--saved_models_dir={letter}",
        ): f"{letter} is a file, not a folder: export to another",
    }


def test_bad_input_gets_a_sentence_and_leaves_nothing_behind(tmp_path):
    help_page = check_refused("train.main", bad_inputs(tmp_path), tmp_path, f"--runs_dir={tmp_path}")
    shown = re.findall(r"^    --(?:\[no\])?(\w+)", help_page, re.MULTILINE)
    of_main = [
        "name",
        "runs_dir",
        "resume",
        "overwrite",
        "strategy",
        "report",
        "explorer",
        "floors",
        "export",
        "saved_models_dir",
        "answers",
        "names",
        "cut",
        "flagfile",
    ]
    assert sorted(shown) == sorted([*of_main, *(field.name for field in fields(Settings))])  # none of TensorFlow's
    assert re.findall(r"^(\w.*):$", help_page, re.MULTILINE) == [
        "This command", "Data", "Model", "Training", "Start", "From a file",
    ]  # fmt: skip
    assert (tmp_path / "old" / "run.flags").read_text() == "--dataset=digits\n"


def test_a_run_without_its_first_epoch_cannot_be_scored(tmp_path):
    (tmp_path / "run.flags").write_text("--dataset=digits\n")
    process = run_warm("-m", "train.evaluate", f"--run={tmp_path}")
    assert process.returncode == 1
    assert "has no model.keras: the run has not finished its first epoch" in process.stderr


@pytest.mark.slow
def test_a_run_ends_where_its_bound_no_longer_rises(tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    np.savez(tmp_path / "points.npz", x_train=points[:200], x_test=points[200:])
    common = [
        f"--dataset={tmp_path / 'points.npz'}", f"--runs_dir={tmp_path}", "--name=a", "--noinitialize",
        "--noreport", "--noexport", "--nofloors", "--noanswers", "--epochs=9",
        "--learning_rate=1e-30",
    ]  # fmt: skip
    calls = [["--patience=2"], ["--patience=2", "--resume"], ["--patience=3", "--resume"], ["--patience=0"]]
    first, again, longer, bad = run_all("train.main", [[*common, *call] for call in calls])
    assert first.returncode == 0, first.stderr
    assert "nothing is left to train" in again.stdout
    assert longer.returncode == 0 and len(history(tmp_path / "a")) == 4
    assert json.loads((tmp_path / "a" / "metrics.json").read_text())["ended"] is True
    assert bad.returncode == 1 and "--patience" in bad.stderr
