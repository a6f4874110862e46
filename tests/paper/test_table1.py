"""The command of Table 1: complete, resumable, and honest about what has not been run."""

import json
import math

import numpy as np
import pytest
from conftest import run_warm
from support.commands import run_all
from support.misuse import check_refused

from tf_gmvae import evaluation
from tf_gmvae.evaluation import baselines
from train.paper import table1_report


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
        "table1_protocol": evaluation.TABLE1_PROTOCOL,
    }  # fmt: skip


def test_a_row_is_mean_and_deviation_of_its_seeds():
    row = table1_report.row(10, 1, [run_metrics(0, 0.9), run_metrics(1, 0.98), run_metrics(2, 0.94)])
    scores = row["scores"]["accuracy_table1"]
    assert scores["values"] == [0.9, 0.98, 0.94]
    assert scores["mean"] == pytest.approx(0.94)
    assert scores["sd"] == pytest.approx(0.04)
    assert row["minutes"] == [3.0, 3.0, 3.0]
    assert row["paper"] == {"best": 87.31, "mean": 77.78, "sd": 5.75}
    assert "accuracy_hungarian" not in row["scores"]
    text = table1_report.markdown([row], [], "the command")
    assert "| 10 | 1 | 87.31 | 77.78 ± 5.75 | 98.00 | 94.00 ± 4.00 | 90.00, 98.00, 94.00 |" in text
    assert "`the command`" in text and "earlier version" not in text


def test_what_was_not_run_says_so():
    rows = [table1_report.row(30, 10, []), table1_report.row(7, 1, [run_metrics(0, 0.9)], dataset="svhn")]
    text = table1_report.markdown(rows, [], "x")
    assert "| 30 | 10 | 93.22 | 89.27 ± 2.50 | - | - | not run |" in text
    assert "| 7 | 1 | - | - | 90.00 | 90.00 | 90.00 |" in text


def test_runs_that_were_scored_by_the_order_of_the_file_are_named():
    old = {name: value for name, value in run_metrics(1, 0.98).items() if name != "table1_protocol"}
    text = table1_report.markdown([table1_report.row(10, 1, [run_metrics(0, 0.9), old])], [], "x")
    assert "ties went to the first example of the file: k10-m1-seed1. `python -m train.evaluate" in text


def test_the_table_is_made_once_and_goes_on(tmp_path):
    arguments = [
        "--dataset=digits",
        "--noinitialize",
        "--components=2,10",
        "--samples=1",
        "--seeds=1",
        f"--runs_dir={tmp_path / 'out'}",
        "--jobs=2",
    ]
    first = run_warm("-m", "train.table1", *arguments, "--epochs=1")
    assert first.returncode == 0, first.stderr
    table = json.loads((tmp_path / "out" / "table1.json").read_text())
    assert [(row["num_components"], row["seeds"], row["epochs"]) for row in table["rows"]] == [
        (2, [0], [1]),
        (10, [0], [1]),
    ]
    assert {floor["method"] for floor in table["pixels"]} == {
        "k-means", "Gaussian mixture", "UMAP + Gaussian mixture"
    }  # fmt: skip
    k_means = next(floor for floor in table["pixels"] if floor["num_components"] == 10)
    assert 0.7 < k_means["accuracy_majority"] < 0.9
    # All members of a k-means cluster are equally certain, and their most frequent label counts.
    assert k_means["accuracy_table1"] == k_means["accuracy_majority"]
    values = table["rows"][1]["scores"]["accuracy_table1"]["values"]
    metrics = json.loads((tmp_path / "out" / "k10-m1-seed0" / "metrics.json").read_text())
    assert values == [metrics["accuracy_table1"]]
    assert not math.isnan(values[0])
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
    calls = [["--epochs=1"], ["--epochs=1", "--components=2,10,16", "--dry_run", "--nopixels"]]
    again, more = run_all("train.table1", [[*arguments, *call] for call in calls])
    assert "2 runs, 0 to do" in again.stdout
    assert json.loads(pixels.read_text()) == new
    assert "3 runs, 1 to do" in more.stdout
    assert "| 16 | 1 | - | - | - | - | not run |" in more.stdout
    calls = [["--epochs=2", "--components=10"], ["--epochs=2", "--learning_rate=0.5"]]
    longer, other = run_all("train.table1", [[*arguments, *call] for call in calls])
    assert longer.returncode == 0, longer.stderr
    assert json.loads((tmp_path / "out" / "table1.json").read_text())["rows"][0]["epochs"] == [2]
    assert other.returncode == 1
    assert "--learning_rate" in other.stderr


def test_bad_flags_get_a_sentence(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pixels.json").write_text("[")
    cases = {
        ("--components=ten",): "--components must be integers",
        ("--samples=0",): "--samples must be integers",
        ("--dataset=minst",): "minst",
        (f"--components={10**200}",): "K, M and --seed together must be the name of one folder",
        (f"--seed={2**63}",): "is not an integer in the range",
        ("--minutes=nan",): "nan is not a finite number >= 0",
        ("--dry_run",): "pixels.json is damaged",
    }
    help_page = check_refused(
        "train.table1", cases, tmp_path, "--dataset=digits", "--noinitialize", f"--runs_dir={tmp_path / 'out'}"
    )
    for flag in ("--components=", "--[no]dry_run", "--learning_rate=", "(default: mnist)"):
        assert flag in help_page


def test_the_floor_of_a_map_takes_the_plane_and_the_few():
    # Points of the plane, of which UMAP's own beginning may take hours; and too few for a map.
    labels = np.arange(600) % 3
    centres = np.array([[0.0, 0], [9, 0], [0, 9]])
    points = (centres[labels] + np.random.default_rng(0).normal(size=(600, 2))).astype("float32")
    for count in (300, 40):
        posterior = baselines.umap_mixture(points[:count], points[300:], 3)
        assert evaluation.hungarian_accuracy(posterior, labels[300:]) > 0.95


def test_floors_are_those_of_their_seed(tmp_path):
    common = [
        "--dataset=digits", "--noinitialize", "--components=3", "--samples=1", "--seeds=1", "--dry_run",
        f"--runs_dir={tmp_path}",
    ]  # fmt: skip
    seen = []
    for answer in run_all("train.table1", [common, [*common, "--seed=1"], common]):
        assert answer.returncode == 0, answer.stderr
        seen.append(answer.stdout.count("on the pixels, K = 3 ..."))
    assert seen == [3, 3, 0]
    floors = json.loads((tmp_path / "table1.json").read_text())["pixels"]
    assert [floor["seed"] for floor in floors] == [0, 0, 0]
