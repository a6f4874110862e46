"""Pictures as people keep them, and a file of series, from the command line to the end; data that moved."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from absl import flags
from conftest import run_warm
from PIL import Image
from support.commands import run_all

from tf_gmvae import InputError
from tf_gmvae.data.table import read_table
from tf_gmvae.tables.describing import describe
from train.run.folder import RunFolder
from train.run.loading import data_to_train_on, load_data
from train.run.method_settings import MethodSettings
from train.run.settings import Settings

# Of an archive that is older than UTF-8.
OLD_NAME = os.fsdecode(b"B\xe4ume")


def answered(folder, calls):
    """What runs of a few seconds answer, by name; they are kept in `folder`."""
    common = ["--noreport", "--noexport", "--nofloors", "--guided_epochs=0", f"--runs_dir={folder / 'runs'}"]
    answers = run_all("train.main", [[*common, *arguments] for arguments in calls.values()], least_steps=20)
    return dict(zip(calls, answers, strict=True))


@pytest.fixture(scope="module")
def photo_runs(tmp_path_factory):
    """Runs on pictures: the folder of them and of the runs, and what each answered, by name."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(30):
        path = folder / "photos" / (OLD_NAME, "b")[number % 2] / f"{number % 3}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = int(rng.integers(12, 20)), int(rng.integers(14, 24))
        Image.fromarray(rng.integers(0, 255, size, "uint8")).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    photos = [f"--dataset={folder / 'photos'}", "--num_components=3", "--name=photos"]
    calls = {
        "refused": photos,
        "photos": [*photos, "--skip_broken", "--epochs=1"],
        "resumed": [*photos, "--skip_broken", "--epochs=2", "--resume"],
        "other size": [*photos, "--skip_broken", "--image_size=24", "--epochs=2", "--resume"],
    }
    return folder, answered(folder, calls)


@pytest.fixture(scope="module")
def series_runs(tmp_path_factory):
    """Runs on series: the folder of their file and of the runs, and what each answered, by name."""
    folder = tmp_path_factory.mktemp("series")
    rates = np.random.default_rng(0).uniform(0.1, 1, (60, 1))
    np.savez(folder / "series.npz", x=np.sin(np.arange(40) * rates)[..., None])
    calls = {
        "series": [
            f"--dataset={folder / 'series.npz'}", "--series", "--num_components=3", "--epochs=1", "--name=series",
            "--report",
        ],
        "no scale": [f"--dataset={folder / 'series.npz'}", "--series", "--column_scale=common", "--name=none"],
        "no size": [f"--dataset={folder / 'series.npz'}", "--series", "--image_size=8", "--name=none"],
    }  # fmt: skip
    return folder, answered(folder, calls)


@pytest.mark.slow
def test_pictures_of_mixed_sizes_become_a_run(photo_runs):
    folder, answers = photo_runs
    assert answers["refused"].returncode == 1
    assert "29.png cannot be read as images" in answers["refused"].stderr
    assert answers["photos"].returncode == 0, answers["photos"].stderr
    said = answers["photos"].stdout
    assert "29 training examples of (16, 16, 1)" in said and "Start: about " in said
    assert (folder / "runs" / "photos" / "skipped.txt").read_text() == "b/2/29.png\n"
    with (folder / "runs" / "photos" / "clusters.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    assert len(ids) == 29 and ids[0] == r"B\xe4ume/0/00.png" and ids[-1] == "b/2/23.png"
    flags = (folder / "runs" / "photos" / "run.flags").read_text().splitlines()
    assert {"--image_size=16", "--skip_broken=True"} <= set(flags)


@pytest.mark.slow
def test_new_pictures_are_read_as_those_of_the_run(photo_runs):
    folder, _ = photo_runs
    call = [f"--run={folder / 'runs' / 'photos'}", f"--dataset={folder / 'photos'}", f"--output={folder}.csv"]
    photos, strict = run_all("train.predict", [call, [*call, "--noskip_broken"]])
    assert photos.returncode == 0, photos.stderr
    assert "Left out, since it cannot be read as an image: b/2/29.png." in photos.stdout
    assert len(folder.with_suffix(".csv").read_text().splitlines()) == 30
    assert strict.returncode == 1 and "29.png cannot be read as images" in strict.stderr


@pytest.mark.slow
def test_new_series_are_read_as_those_of_the_run(series_runs):
    folder, _ = series_runs
    moved = folder / "moved"
    moved.mkdir()
    (moved / "series.npz").write_bytes((folder / "series.npz").read_bytes())
    run = f"--run={folder / 'runs' / 'series'}"
    (series,) = run_all("train.predict", [[run, f"--dataset={folder / 'series.npz'}", f"--output={folder}.csv"]])
    assert series.returncode == 0, series.stderr
    assert len(folder.with_suffix(".csv").read_text().splitlines()) == 61
    (folder / "series.npz").rename(folder / "away.npz")
    found, lost = run_all(
        "train.evaluate",
        [[run, "--nofloors", *more] for more in ([f"--data_dir={moved}"], [])],
    )
    (folder / "away.npz").rename(folder / "series.npz")
    assert found.returncode == 0 and "series" in found.stdout, found.stderr
    assert lost.returncode == 1 and "series.npz, which is not to be found from here" in lost.stderr


@pytest.mark.slow
def test_a_run_keeps_the_size_that_was_chosen(photo_runs):
    folder, answers = photo_runs
    assert answers["resumed"].returncode == 0, answers["resumed"].stderr
    assert answers["other size"].returncode == 1
    assert "began with --image_size=16 and cannot go on with --image_size=24" in answers["other size"].stderr
    for path in (folder / "photos").rglob("*.png"):  # now another size would be chosen
        if path.name != "29.png":
            Image.fromarray(np.full((40, 40), 9, "uint8")).save(path)
    process = run_warm("-m", "train.evaluate", f"--run={folder / 'runs' / 'photos'}")
    assert process.returncode == 0, process.stderr
    assert "29 train examples" in process.stdout


@pytest.mark.slow
def test_series_become_a_run(series_runs):
    folder, answers = series_runs
    assert answers["series"].returncode == 0, answers["series"].stderr
    metrics = json.loads((folder / "runs" / "series" / "metrics.json").read_text())
    assert (metrics["preset"], metrics["likelihood"]) == ("series", "gaussian")
    assert (folder / "runs" / "series" / "report.html").is_file()
    assert answers["no scale"].returncode == 1
    assert "--column_scale=common goes with --preset=table" in answers["no scale"].stderr
    assert answers["no size"].returncode == 1
    assert "image_size applies to images" in answers["no size"].stderr


def test_columns_of_a_trained_model_are_not_guessed_anew(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("customer_id,a,b\n" + "".join(f"{n * n},{n / 3},{n % 2}\n" for n in range(20)))
    values = flags.FlagValues()
    Settings.define(values)
    values(["", f"--dataset={path}"])
    settings = Settings.from_flags(values)
    guessed = load_data(settings)
    assert guessed.columns.names == ("a", "b")
    known = describe(read_table(path), {"customer_id": "real"})[0]  # as a version that knew no such identifier
    found = load_data(settings, known=known)
    assert found.columns == known and found.train.data_shape == (3,)
    path.write_text("customer_id,a,b\n" + "".join(f"k{n},{n / 3},{n % 2}\n" for n in range(20)))
    assert load_data(settings, known=known).columns.meanings != known.meanings  # so that the run refuses it


@pytest.mark.parametrize("kind, more", [(Settings, ()), (MethodSettings, ("--method=dec",))])
def test_a_run_goes_on_where_its_data_are_now(kind, more, tmp_path, monkeypatch):
    def chosen(*arguments):
        values = flags.FlagValues()
        kind.define(values)
        values(["", *more, *arguments])
        found, settings = data_to_train_on(kind.from_flags(values), run, resume=True)
        return found, settings.resolved("table", "columns", 20, (2,)) if kind is Settings else settings

    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("a,b\n" + "".join(f"{n * n},{n % 3}.5\n" for n in range(20)))
    run = RunFolder(tmp_path / "run")
    dataset, settings = chosen("--dataset=own.csv")
    run.open(settings)
    for same in ("./own.csv", f"../{tmp_path.name}/own.csv", str(tmp_path / "own.csv")):
        run.open(chosen(f"--dataset={same}")[1], resume=True)
    run.open(settings, resume=True)
    Path("elsewhere").mkdir()
    Path("own.csv").rename("elsewhere/own.csv")
    found, goes_on = chosen("--dataset=own.csv", "--data_dir=elsewhere")
    np.testing.assert_array_equal(found.train.examples, dataset.train.examples)
    run.open(goes_on, resume=True)
    stored = kind.read(run.flags)
    assert (stored.dataset, stored.data_dir) == ("own.csv", "elsewhere")
    assert stored.found.dataset == os.path.join("elsewhere", "own.csv")  # who asks the run later has them, too
    for asked, sentence in (
        (["--dataset=own.csv"], r"own\.csv, which is not to be found from here: give --data_dir= with the folder"),
        (
            ["--dataset=elsewhere/own.csv"],
            r"give --dataset=own\.csv and --data_dir= with the folder that holds them",
        ),
        (["--dataset=nowhere.npy", "--seed=3"], "cannot go on with --dataset=nowhere"),  # before they are read
    ):
        with pytest.raises(InputError, match=sentence):
            chosen(*asked)
