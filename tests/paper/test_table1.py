"""The command of Table 1: complete, resumable, and honest about what has not been run."""

import json
import math
import os
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from absl import flags
from conftest import run_warm, start_warm
from support.commands import run_all
from support.misuse import check_refused

from tf_gmvae import InputError, data, evaluation
from tf_gmvae.evaluation import baselines
from tf_gmvae.methods import METHODS
from train.paper import table1_report
from train.paper.cells import FLOORS, PAPERS_K, Cell, Row, base_settings, without_effect
from train.paper.floors import Floors
from train.run import lock
from train.run.definitions import define
from train.run.settings import Settings


def test_floors_find_blobs():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    images = np.clip(rng.normal(60 + 60 * labels[:, None, None], 5, (300, 4, 4)), 0, 255).astype("uint8")
    for cluster in (baselines.kmeans, baselines.gaussian_mixture, baselines.umap_mixture):
        posterior = cluster(images[:200], images[200:], 3)
        np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-5)
        assert evaluation.hungarian_accuracy(posterior, labels[200:]) == 1


def run_metrics(seed, accuracy, hungarian=None):
    return {
        "seed": seed, "epochs": 2, "start_seconds": 60.0, "train_seconds": 120.0, "accuracy_table1": accuracy,
        "accuracy_majority": accuracy, "accuracy_hungarian": hungarian, "nmi": 0.5, "ari": 0.4,
        "components_in_use": 10, "elbo": -100.0, "w_prior": 3.0, "style_information": 2.5,
        "table1_protocol": evaluation.TABLE1_PROTOCOL, "parameters": 1_234_567,
    }  # fmt: skip


def test_a_row_is_mean_and_deviation_of_its_seeds():
    runs = [run_metrics(0, 0.9), run_metrics(1, 0.98), run_metrics(2, 0.94)]
    row = table1_report.row(Row("gmvae", 10, 1), runs)
    scores = row["scores"]["accuracy_table1"]
    assert scores["values"] == [0.9, 0.98, 0.94]
    assert scores["mean"] == pytest.approx(0.94)
    assert scores["sd"] == pytest.approx(0.04)
    assert row["minutes"] == [3.0, 3.0, 3.0]
    assert row["paper"] == {"best": 87.31, "mean": 77.78, "sd": 5.75}
    assert "accuracy_hungarian" not in row["scores"]
    text = table1_report.markdown([row], "the command")
    assert "| GMVAE | 10 | 1 | 87.31 | 77.78 ± 5.75 | 98.00 | 94.00 ± 4.00 | 90.00, 98.00, 94.00 |" in text
    assert "| 1,234,567 |" in text and "`the command`" in text and "earlier version" not in text


def test_a_cell_is_known_again_whatever_its_run_chose_by_the_data(tmp_path):
    flag_values = flags.FlagValues()
    define(flag_values)
    flag_values(["", "--dataset=photos", "--hold=20", "--epochs=2"])
    for shape in ((8, 8, 1), (32, 32, 3)):  # of the second, what is held on to and the rate are others
        cell = Cell.of(Row("gmvae", 10, 1), Settings.from_flags(flag_values), 3, tmp_path / str(shape[0]), shape)
        assert not cell.is_finished
        chosen = cell.settings.resolved("svhn", "bernoulli", 300, shape)
        with cell.folder.alone():
            cell.folder.open(chosen)
            cell.folder.write_metrics(run_metrics(3, 0.9))
        assert cell.is_finished and (chosen.hold_to == "labels") == (shape[-1] == 3)
        with pytest.raises(InputError, match="began with --batch_size=100"):
            _ = replace(cell, settings=replace(cell.settings, batch_size=7)).is_finished
        # Of runs at a rate of their own none is taken for one at the default.
        with cell.folder.alone():
            cell.folder.flags.write_text(replace(chosen, learning_rate=0.5).as_flags())
        with pytest.raises(
            InputError, match=r"k10-m1-seed3 began with --learning_rate=0.5 and .* another --runs_dir"
        ):
            _ = cell.is_finished


@pytest.mark.parametrize(
    ("flag", "scores", "is_finished"),
    [
        ("--epochs=5", {"epochs": 4}, False),
        ("--epochs=5", {"epochs": 5}, True),
        ("--epochs=5", {"epochs": 1, "ended": True}, True),
        ("--minutes=2.9", {"epochs": 1}, True),  # of which the start took one, and training two
        ("--minutes=3.1", {"epochs": 1}, False),
    ],
)
def test_a_run_is_finished_by_epochs_by_minutes_or_by_itself(flag, scores, is_finished, tmp_path):
    base = base_settings(named("--dataset=photos", "--epochs=5", flag))
    cell = Cell.of(Row("gmvae", 10, 1), base, 0, tmp_path, (8, 8, 1))
    with cell.folder.alone():
        cell.folder.open(cell.settings.resolved("digits", "bernoulli", 300, (8, 8, 1)))
        cell.folder.write_metrics({**run_metrics(0, 0.9), **scores})
    assert cell.is_finished == is_finished


def named(*arguments):
    flag_values = flags.FlagValues()
    define(flag_values)
    flag_values.set_default("dataset", "mnist")  # as in the command
    flag_values(["", *arguments])
    return flag_values


def test_the_rows_of_the_gmvae_are_the_runs_of_the_flag_files(root, tmp_path):
    shape = (28, 28, 1)

    def run(method, *arguments):
        row = Row(method, 10, 1)
        return Cell.of(row, base_settings(named(*arguments)), 0, str(tmp_path), shape).settings

    def by_flag_file(name):
        settings = Settings.from_flags(named(f"--flagfile={root / name}"))
        return settings.resolved("mnist", "bernoulli", 60_000, shape)

    assert run("gmvae").resolved("mnist", "bernoulli", 60_000, shape) == by_flag_file("mnist.flags")
    random = run("gmvae_random").resolved("mnist", "bernoulli", 60_000, shape)
    # Of a start there is nothing, whatever its settings.
    assert random == replace(by_flag_file("mnist-paper.flags"), epochs=30, pretraining_epochs=1)
    for arguments in (["--hold=0"], ["--hold_to=posterior"], ["--optimizer=sign"], ["--noinitialize"]):
        before = run("gmvae", *arguments).resolved("mnist", "bernoulli", 60_000, shape)
        assert (before.learning_rate, before.falling_rate) == (1e-4, False), arguments
    asked = named()
    assert base_settings(asked) == base_settings(asked) and asked.batch_size == 100  # which is left as it was
    for method in ("gmvae", "gmvae_random"):
        mine = run(method, "--hold=0", "--epochs=7", "--batch_size=9")
        assert (mine.hold, mine.epochs, mine.batch_size) == (0, 7, 9)
    # Of other data it is what train.main does with them.
    own = Settings.from_flags(named("--dataset=table.csv"))
    assert replace(run("gmvae", "--dataset=table.csv"), num_components=own.num_components) == own


def test_what_was_not_run_says_so():
    rows = [
        table1_report.row(Row("gmvae", 30, 10), []),
        table1_report.row(Row("aae", 16), []),
        table1_report.row(Row("gmvae", 7, 1), [run_metrics(0, 0.9)], dataset="svhn"),
    ]
    text = table1_report.markdown(rows, "x")
    assert "| GMVAE | 30 | 10 | 93.22 | 89.27 ± 2.50 | - | - | not run |" in text
    assert "| AAE | 16 | - | - | 90.45 ± 2.05 | - | - | not run |" in text
    assert "| GMVAE | 7 | 1 | - | - | 90.00 | 90.00 | 90.00 |" in text


def test_runs_that_were_scored_by_the_order_of_the_file_are_named():
    old = {name: value for name, value in run_metrics(1, 0.98).items() if name != "table1_protocol"}
    text = table1_report.markdown([table1_report.row(Row("gmvae", 10, 1), [run_metrics(0, 0.9), old])], "x")
    assert "ties went to the first example of the file: k10-m1-seed1. `python -m train.evaluate" in text


def test_every_method_has_a_row_a_title_and_the_papers_k():
    assert set(PAPERS_K) == set(table1_report.TITLES) == {"gmvae", "gmvae_random", *METHODS, *FLOORS}
    for method, k, _ in table1_report.PAPER:
        assert k in PAPERS_K[method]
    assert Row("gmvae", 10, 1).name(0) == "k10-m1-seed0"  # as earlier versions named it
    assert [Row("gmvae_random", 16, 10).name(2), Row("dec", 10).name(1)] == [
        "gmvae_random-k16-m10-seed2", "dec-k10-seed1"
    ]  # fmt: skip


@pytest.mark.slow
def test_the_table_is_made_once_and_goes_on(tmp_path):
    arguments = [
        "--dataset=digits", "--noinitialize", "--components=10", "--samples=1", "--seeds=1", "--jobs=2",
        f"--runs_dir={tmp_path / 'out'}", "--method_epochs=1",
    ]  # fmt: skip
    first = run_warm("-m", "train.table1", *arguments, "--epochs=1", "--methods=gmvae,catgan,kmeans")
    assert first.returncode == 0, first.stderr
    rows = json.loads((tmp_path / "out" / "table1.json").read_text())["rows"]
    assert [(row["method"], row["num_components"], row["seeds"], row["epochs"]) for row in rows] == [
        ("gmvae", 10, [0], [1]), ("catgan", 10, [0], [1]), ("kmeans", 10, [0], [0])
    ]  # fmt: skip
    ours, catgan, k_means = (row["scores"] for row in rows)
    assert 0.7 < k_means["accuracy_majority"]["mean"] < 0.9
    # All members of a k-means cluster are equally certain, and their most frequent label counts.
    assert k_means["accuracy_table1"] == k_means["accuracy_majority"]
    for scores, folder in ((ours, "k10-m1-seed0"), (catgan, "catgan-k10-seed0")):
        metrics = json.loads((tmp_path / "out" / folder / "metrics.json").read_text())
        assert scores["accuracy_table1"]["values"] == [metrics["accuracy_table1"]]
        assert not math.isnan(metrics["accuracy_table1"])
    assert (tmp_path / "out" / "figure4.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "table1.md").read_text() in first.stdout + "\n"
    # Floors of an earlier version, which scored by the order of the file, are computed anew.
    pixels = tmp_path / "out" / "pixels.json"
    new = json.loads(pixels.read_text())
    old = [
        {name: value for name, value in floor.items() if name != "table1_protocol"} | {"accuracy_table1": 0.123}
        for floor in new
    ]
    pixels.write_text(json.dumps(old))
    calls = [
        ["--epochs=1", "--methods=gmvae,catgan,kmeans"],
        ["--epochs=1", "--methods=gmvae,kmeans", "--components=10,16", "--dry_run", "--nopixels"],
        ["--epochs=2", "--methods=gmvae"],
        ["--epochs=2", "--methods=gmvae", "--learning_rate=0.5"],
    ]
    again, more, longer, other = run_all("train.table1", [[*arguments, *call] for call in calls])
    assert "2 runs, 0 to do" in again.stdout
    seconds = "start_seconds"
    assert [{**floor, seconds: 0} for floor in json.loads(pixels.read_text())] == [{**new[0], seconds: 0}]
    assert "2 runs, 1 to do" in more.stdout
    assert "| GMVAE | 16 | 1 | - | - | - | - | not run |" in more.stdout and "k-means |" not in more.stdout
    assert longer.returncode == 0, longer.stderr
    assert json.loads((tmp_path / "out" / "table1.json").read_text())["rows"][0]["epochs"] == [2]
    assert other.returncode == 1
    assert "--learning_rate" in other.stderr


@pytest.mark.slow
def test_a_kill_ends_the_run_and_the_same_command_goes_on(tmp_path):
    said, out = tmp_path / "said", tmp_path / "out"
    said.touch()
    arguments = ["--methods=catgan", "--components=3", "--seeds=1", "--dataset=digits", f"--runs_dir={out}"]
    process = start_warm("-m", "train.table1", *arguments, "--method_epochs=8", out=said)
    log = out / "catgan-k3-seed0.log"
    while not (log.is_file() and " 2/8 " in log.read_text()):
        assert process.poll() is None, said.read_text()
        time.sleep(0.05)
    process.kill()
    process.wait()
    again = run_warm("-m", "train.table1", *arguments, "--method_epochs=8")
    assert again.returncode == 0, again.stderr
    assert "Stopped; --resume goes on" in log.read_text() and " 8/8 " in log.read_text()


@pytest.mark.slow
def test_sigterm_reaches_the_runs(tmp_path):
    said, out = tmp_path / "said", tmp_path / "out"
    said.touch()
    process = start_warm(
        "-m", "train.table1", "--flagfile=digits.flags", "--methods=gmvae", "--components=5", "--samples=1",
        "--seeds=2", f"--runs_dir={out}", out=said,
    )  # fmt: skip
    first, second = (out / f"k5-m1-seed{seed}.log" for seed in (0, 1))
    while not (first.is_file() and "Start: about" in first.read_text()):
        assert process.poll() is None, said.read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143, said.read_text()
    assert "k5-m1-seed0 was stopped after" in said.read_text()
    assert said.read_text().endswith("Stopped; the same command goes on where it was.\n")
    assert "--resume goes on with the start." in first.read_text() or "--resume begins" in first.read_text()
    assert not second.exists()


def test_one_command_at_a_time_writes_a_table(tmp_path):
    arguments = ["--dataset=digits", "--methods=gmvae", "--components=5", f"--runs_dir={tmp_path / 'out'}"]
    with lock.held(tmp_path / "out"):
        second, looks = run_all("train.table1", [arguments, [*arguments, "--dry_run", "--num_components=7"]])
    assert second.returncode == 1 and f"out is being written by process {os.getpid()}" in second.stderr
    assert looks.returncode == 0 and "6 runs, 6 to do" in looks.stdout
    assert (
        "--num_components=7 decides nothing here: the table has K = 5; --components= names others" in looks.stdout
    )


def test_settings_that_do_not_reach_all_rows_are_said():
    ours, others = Row("gmvae", 16, 1), (Row("vade", 10), Row("gmm", 10))

    def said(*arguments, rows=(ours, *others)):
        flag_values = flags.FlagValues()
        define(flag_values)
        flags.DEFINE_integer("method_epochs", None, "As in the command.", flag_values=flag_values)
        flag_values(["", *arguments])
        return [sentence.split(":")[0] for sentence in without_effect(rows, flag_values)]

    assert said("--dataset=mnist", "--batch_size=7") == []
    assert said("--num_components=10", "--num_samples=3", "--epochs=2") == [
        "--num_components=10 decides nothing here",
        "--num_samples=3 decides nothing here",
        "--epochs=2 is for the rows of the GMVAE alone",
    ]
    assert said("--epochs=2", "--method_epochs=3") == []
    same = ("--num_components=16", "--num_samples=1", "--epochs=2")
    assert said(*same, rows=(ours, Row("gmm", 16))) == []


def test_bad_flags_get_a_sentence(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pixels.json").write_text("[")
    cases = {
        ("--components=ten",): "--components must be integers",
        ("--samples=0",): "--samples must be integers",
        ("--methods=dce",): "--methods must be some of gmvae, gmvae_random, dec",
        ("--dataset=minst",): "minst",
        (f"--components={10**200}",): "K, M and --seed together must be the name of one folder",
        (f"--seed={2**63}",): "is not an integer in the range",
        ("--minutes=nan",): "nan is not a finite number >= 0",
        ("--dry_run",): "pixels.json is damaged",
        ("--components=1439", "--methods=gmm"): "--components has 1439, but there are 1438 examples",
        (f"--runs_dir={tmp_path / 'out' / 'pixels.json'}",): "pixels.json cannot be written (File exists)",
    }
    help_page = check_refused(
        "train.table1", cases, tmp_path, "--dataset=digits", "--noinitialize", f"--runs_dir={tmp_path / 'out'}"
    )
    for flag in ("--components=", "--[no]dry_run", "--learning_rate=", "(default: mnist)"):
        assert flag in help_page


def test_finished_runs_that_do_not_fit_a_table_are_named(finished, tmp_path):
    kinds = ("same", "grown", "unlabelled", "without")
    for kind in kinds:
        shutil.copytree(finished.run, tmp_path / kind / finished.run.name)
    _, grown, unlabelled, without = (tmp_path / kind / finished.run.name for kind in kinds)
    (grown / "examples.json").write_text('{"train": 1437, "test": 359}')  # as of data that were fewer then
    history = unlabelled / "history.csv"
    history.write_text(history.read_text().replace("test_accuracy_table1", "other", 1))
    (without / "history.csv").unlink()
    common = [
        "--flagfile=digits.flags", "--epochs=3", "--guided_epochs=0", "--methods=gmvae", "--components=10",
        "--samples=1", "--seeds=1", "--dry_run",
    ]  # fmt: skip
    calls = [[*common, f"--runs_dir={tmp_path / kind}"] for kind in kinds]
    of_same, of_grown, of_unlabelled, of_without = run_all("train.table1", calls)
    for taken in (of_same, of_without):
        assert taken.returncode == 0 and "1 run, 0 to do" in taken.stdout, taken.stderr
    assert of_grown.returncode == of_unlabelled.returncode == 1 and "to do" not in of_grown.stdout
    assert "it has 1,438 training examples, and it had 1,437" in of_grown.stderr
    assert of_grown.stderr.rstrip().endswith("Put the data back, or give another --runs_dir.")
    assert f"{unlabelled} has no history of test accuracies: move its history.csv" in of_unlabelled.stderr


def test_the_floor_of_a_map_takes_the_plane_and_the_few():
    # Points of the plane, of which UMAP's own beginning may take hours; and too few for a map.
    labels = np.arange(600) % 3
    centres = np.array([[0.0, 0], [9, 0], [0, 9]])
    points = (centres[labels] + np.random.default_rng(0).normal(size=(600, 2))).astype("float32")
    for count in (300, 40):
        posterior = baselines.umap_mixture(points[:count], points[300:], 3)
        assert evaluation.hungarian_accuracy(posterior, labels[300:]) > 0.95


def test_floors_are_those_of_their_seed_and_k(tmp_path):
    common = ["--dataset=digits", "--methods=kmeans", "--components=3", f"--runs_dir={tmp_path}"]
    calls = [[*common, "--seeds=1"], [*common, "--seeds=2"], [*common, "--seed=1", "--seeds=1"]]
    seen = []
    for answer in run_all("train.table1", calls):
        assert answer.returncode == 0, answer.stderr
        seen.append(answer.stdout.count("kmeans-k3-seed"))
    assert seen == [1, 1, 0]
    assert json.loads((tmp_path / "table1.json").read_text())["rows"][0]["seeds"] == [1]


def two_blobs(seed):
    labels = np.arange(40) % 2
    rows = (9.0 * labels[:, None] + np.random.default_rng(seed).normal(size=(40, 3))).astype("float32")
    return data.Split.from_arrays(rows, labels)


def test_floors_are_those_of_their_data(tmp_path):
    row, split = Row("kmeans", 2), two_blobs(0)
    mixed_up = replace(split, labels=np.arange(40) // 20)  # the same file with other labels
    seen = []
    for test in (split, mixed_up, split, two_blobs(1)):
        floors = Floors(tmp_path, data.Dataset("own.npz", split, test))
        seen.append(floors.metrics(row, 0))
        floors.compute([row], [0])
        seen.append(floors.metrics(row, 0)["ari"])
    assert (seen[0], seen[2], seen[4]["ari"], seen[6]) == (None, None, 1, None)
    assert seen[1] == seen[5] == seen[7] == 1 and seen[3] < 0.1
    # Two that look at one table, each of which computes some.
    looking = [Floors(tmp_path, data.Dataset("own.npz", split, split)) for _ in range(2)]
    for seed, each in enumerate(looking):
        each.compute([row], [seed + 5])
    assert all(looking[1].metrics(row, seed) for seed in (5, 6))
    # Of a table they see what the other methods see.
    noise = 1e6 * np.random.default_rng(2).normal(size=(40, 1)).astype("float32")
    spoilt = replace(split, examples=np.hstack([split.examples, noise]))
    for features, lowest, highest in ((None, -1, 0.3), (lambda rows: rows[:, :3], 1, 1)):
        floors = Floors(tmp_path, data.Dataset("own.npz", spoilt, spoilt), features)
        floors.compute([row], [0])
        assert lowest <= floors.metrics(row, 0)["ari"] <= highest
    # Earlier versions did not write down of which data they are.
    path = tmp_path / "pixels.json"
    old = [
        {name: value for name, value in floor.items() if name != "data"} for floor in json.loads(path.read_text())
    ]
    path.write_text(json.dumps(old))
    assert Floors(tmp_path, data.Dataset("own.npz", split, split)).metrics(row, 0) is None
