"""The cluster of every example in files: written by runs, asked for by `train.predict`, and named."""

import csv
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from conftest import run_warm
from PIL import Image
from support.commands import run_all

import tf_gmvae
from tf_gmvae.data import Dataset, Split, to_batches
from tf_gmvae.errors import InputError
from train.run import answers, cluster_names, counts, guide, model_card, saved
from train.run.answers import Answer
from train.run.exported import Exported, is_of
from train.run.folder import RunFolder
from train.run.loading import load_data
from train.run.run import Run, resolved

COLUMNS = ["id", "split", "cluster", "name", "probability", "runner_up", "elbo", "outlier"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, header, lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([",".join(header), *(",".join(map(str, line)) for line in lines)]) + "\n")
    return path


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    """A run on a table of three kinds of rows with a text, missing values and ids, its export, and the table."""
    folder = tmp_path_factory.mktemp("fruit")
    rng = np.random.default_rng(0)
    lines = []
    for number in range(150):
        kind = number % 3
        size, weight = rng.normal((2, 10, 20)[kind], 0.5), rng.normal((100, 5, 50)[kind], 2)
        known = "" if number % 10 == 9 else f"{weight:.3f}"
        lines.append((f"f{number}", f"{size:.3f}", known, ("red", "green", "blue")[kind]))
    table = write(folder / "fruit.csv", ("code", "size", "weight", "colour"), lines)
    made = run_all(
        "train.main",
        [[f"--dataset={table}", "--num_components=3", "--id_column=code", "--name=fruit", "--epochs=1",
        "--noreport", "--nofloors",
          f"--runs_dir={folder}", f"--saved_models_dir={folder / 'sm'}"]],
        least_steps=60,
    )[0]  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder, table, lines


def test_the_columns_of_a_model_are_read_without_it(fruit, finished, tmp_path):
    folder = RunFolder(fruit[0] / "fruit")
    assert saved.columns_of(folder) == saved.load_model(folder).likelihood.columns
    (tmp_path / "model.keras").write_bytes(folder.model.read_bytes()[:-300])
    for other in (finished.run, tmp_path, tmp_path / "none"):  # of images, damaged, without a model
        assert saved.columns_of(RunFolder(other)) is None


def test_every_example_has_its_row_in_both_files(fruit):
    folder, _, lines = fruit
    found = rows(folder / "fruit" / "clusters.csv")
    assert list(found[0]) == COLUMNS
    assert [row["id"] for row in found] == [line[0] for line in lines]
    assert {row["split"] for row in found} == {"train"}
    assert len({(row["cluster"], line[3]) for row, line in zip(found, lines, strict=True)}) == 3
    assert all(row["runner_up"] != row["cluster"] for row in found)
    assert all(0.5 < float(row["probability"]) <= 1 for row in found)
    parquet = pyarrow.parquet.read_table(folder / "fruit" / "clusters.parquet")
    assert parquet.column_names == COLUMNS
    assert parquet["id"].to_pylist() == [line[0] for line in lines]
    assert str(parquet.schema.field("outlier").type) == "bool"
    np.testing.assert_allclose(parquet["elbo"], [float(row["elbo"]) for row in found], rtol=1e-5)


def test_both_parts_of_the_digits_are_answered(finished):
    found = rows(finished.run / "clusters.csv")
    digits = tf_gmvae.data.load("digits")
    assert [row["split"] for row in found].count("test") == digits.test.num_examples
    assert len(found) == digits.train.num_examples + digits.test.num_examples


def test_a_run_and_its_export_say_the_same_of_new_rows_in_any_order_of_columns(fruit, tmp_path):
    folder, _, lines = fruit
    before = {row["id"]: row for row in rows(folder / "fruit" / "clusters.csv")}
    # Columns turned round, a further one, a colour that was not there, a value missing, and an impossible row.
    new = [(line[3], "x", line[2], line[1], line[0]) for line in lines[:20]]
    new += [("purple", "x", "", "2.1", "unseen"), ("red", "x", "-4000", "900", "odd")]
    new += [("red", "x", "1e25", "-3e38", "farthest")]
    table = write(tmp_path / "new.csv", ("colour", "more", "weight", "size", "code"), new)
    parquet = tmp_path / "new"
    parquet.mkdir()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(table), parquet / "part.parquet")
    np.save(tmp_path / "x.npy", [[2, 100, 1], [2, 100, 9], [2, 100, 0.5]])
    told = run_all(
        "train.predict",
        [
            [f"--run={folder / 'fruit'}", f"--dataset={table}", f"--output={tmp_path / 'run.csv'}"],
            [f"--model={folder / 'sm' / 'fruit' / 'latest'}", f"--dataset={table}",
             f"--output={tmp_path / 'export.parquet'}"],
            [f"--run={folder / 'fruit'}", f"--dataset={parquet}", f"--output={tmp_path / 'folder.csv'}"],
            [f"--run={folder / 'fruit'}", f"--dataset={tmp_path / 'x.npy'}", f"--output={tmp_path / 'array.csv'}"],
        ],
    )  # fmt: skip
    assert [process.returncode for process in told] == [0, 0, 0, 0], told
    unseen = "column 'colour' holds what it did not in training, as "
    assert f"new.csv: {unseen}'purple' in row 20: it counts as missing." in told[0].stdout + told[0].stderr
    assert f"x.npy: {unseen}'9.0' in row 1: it counts as missing, 2 times." in told[3].stdout + told[3].stderr
    assert (tmp_path / "folder.csv").read_text() == (tmp_path / "run.csv").read_text()
    of_run = rows(tmp_path / "run.csv")
    for row in of_run[:20]:
        assert row["split"] == "all"
        assert row["cluster"] == before[row["id"]]["cluster"]
        assert float(row["probability"]) == pytest.approx(float(before[row["id"]]["probability"]), abs=1e-5)
        # What it says of one row hangs on no other.
        assert float(row["elbo"]) == pytest.approx(float(before[row["id"]]["elbo"]), rel=1e-4)
    assert [row["outlier"] for row in of_run[-2:]] == ["true", "true"]
    assert 0.3 < float(of_run[-1]["probability"]) <= 1
    assert [row["outlier"] for row in of_run[:20]] == ["false"] * 20
    of_export = pyarrow.parquet.read_table(tmp_path / "export.parquet")
    assert of_export["id"].to_pylist() == [row["id"] for row in of_run]
    assert of_export["cluster"].to_pylist() == [int(row["cluster"]) for row in of_run]
    assert of_export["outlier"].to_pylist() == [row["outlier"] == "true" for row in of_run]
    assert of_export["runner_up"].to_pylist()[:21] == [int(row["runner_up"]) for row in of_run[:21]]
    assert -1 not in of_export["runner_up"].to_pylist()
    np.testing.assert_allclose(of_export["elbo"], [float(row["elbo"]) for row in of_run], rtol=1e-3)
    assert "'purple' in row 20" in told[0].stdout
    assert "23 examples in 3 clusters" in told[0].stdout
    no_ids = [line[:4] for line in new]
    others = write(tmp_path / "others.csv", ("colour", "note", "weight", "size"), no_ids)
    call = [f"--run={folder / 'fruit'}", f"--dataset={others}", f"--output={tmp_path / 'others-found.csv'}"]
    (by_number,) = run_all("train.predict", [call])
    assert "id_column may name another column, as 'note'" in by_number.stdout


@pytest.mark.slow
def test_names_of_clusters_stay_with_run_and_export(fruit, tmp_path):
    folder, _, lines = fruit
    run = tmp_path / "named"
    shutil.copytree(folder / "fruit", run)
    known = write(tmp_path / "names.csv", ("id", "name"), [(line[0], f"{line[3]} fruit") for line in lines[:30]])
    told = run_all("train.evaluate", [[f"--run={run}", f"--names={known}"], [f"--run={run}"]])
    assert [process.returncode for process in told] == [0, 0], told
    said = "The clusters are called 0 '(red|green|blue) fruit' \\(of 100%\\), 1 '.* fruit' .*, 2 '.* fruit'"
    assert re.search(said, told[0].stdout) and "called" not in told[1].stdout
    assert f"after python -m train.report --run={run}" in told[0].stdout
    assert {row["name"] for row in rows(run / "clusters.csv")} == {"red fruit", "green fruit", "blue fruit"}
    assert all(
        row["name"] == f"{line[3]} fruit" for row, line in zip(rows(run / "clusters.csv"), lines, strict=True)
    )
    assert json.loads((run / "clusters.json").read_text())["certainty"] == [1.0, 1.0, 1.0]
    drawn = run_warm("-m", "train.report", f"--run={run}", "--noexplorer")
    assert drawn.returncode == 0, drawn.stderr
    titles = re.findall(r"<h3>Component (\d), (\w+ fruit)</h3>", (run / "report.html").read_text(encoding="utf-8"))
    assert titles and all(json.loads((run / "clusters.json").read_text())["names"][int(k)] == n for k, n in titles)
    exported = run_warm("-m", "train.export", f"--run={run}", f"--saved_models_dir={tmp_path}", "--name=sm")
    assert exported.returncode == 0, exported.stderr
    record = json.loads((tmp_path / "sm" / "1" / "assets.extra" / "tf_gmvae.json").read_text())
    assert sorted(record["names"]) == ["blue fruit", "green fruit", "red fruit"]
    assert [column["name"] for column in record["columns"]] == ["size", "weight", "colour"]


@pytest.fixture
def guided(fruit, tmp_path):
    """The flags of a run; what makes a flag of the rows that guide it; and that flag, of nine good rows."""
    _, table, lines = fruit
    common = [f"--dataset={table}", "--id_column=code", "--epochs=1", "--noreport", "--noexport", "--nofloors",
              f"--runs_dir={tmp_path}", "--num_components=3"]  # fmt: skip

    def guide(name, header, content):
        return f"--guide_labels={write(tmp_path / f'{name}.csv', header, content)}"

    return common, guide, guide("good", ("id", "name"), [(line[0], f"{line[3]} fruit") for line in lines[:9]])


def test_labelled_rows_that_cannot_guide_a_run_are_told_of(guided, tmp_path):
    common, guide, good = guided
    refused = [
        ([guide("odd", ("id", "name"), [("f1000", "red")])], "has the id 'f1000', which is not that of one"),
        ([guide("no_id", ("cluster", "name"), [(0, "red")])], "must have a column 'id'"),
        ([guide("many", ("id", "name"), [(f"f{n}", f"n{n}") for n in range(4)])], "4 different names"),
        ([guide("twice", ("id", "name"), [("f1", "a"), ("f1", "b")])], "names 'f1' twice, 'a' and 'b': keep one"),
        ([guide("gap", ("id", "name"), [("f1", "a"), ("f2", "")])], "row 1 has no name"),
        ([good, "--noinitialize"], "drop one of them"),
        ([f"--guide_labels={tmp_path / 'none.csv'}"], "none.csv"),
    ]
    told = run_all("train.main", [[*common, *arguments] for arguments, _ in refused])
    for (_, sentence), process in zip(refused, told, strict=True):
        assert process.returncode == 1 and sentence in process.stderr, process.stderr
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.slow
def test_a_guided_run_goes_on_without_the_table_that_guided_its_start(fruit, tmp_path):
    folder, _, lines = fruit
    run = RunFolder(shutil.copytree(folder / "fruit", tmp_path / "fruit"))
    gone, here = tmp_path / "downloads" / "known.csv", tmp_path / "here"
    with run.flags.open("a") as file:
        file.write(f"--guide_labels={gone}\n")
    write(here / "known.csv", ("id", "name"), [(line[0], line[3]) for line in lines[:3]])
    other = write(here / "other.csv", ("id", "name"), [("f1", "red")])
    own = [f"--flagfile={run.flags}", f"--runs_dir={tmp_path}", "--name=fruit", "--resume", "--noexport"]
    own += ["--noreport", "--nofloors"]
    calls = [own, [*own, f"--guide_labels={other}"], [*own, f"--guide_labels={here / 'known.csv'}"]]
    as_it_was, refused, moved = run_all("train.main", calls)
    assert as_it_was.returncode == 0 and "nothing is left to train" in as_it_was.stdout, as_it_was.stderr
    assert refused.returncode == 1 and f"began with --guide_labels={gone}" in refused.stderr
    assert moved.returncode == 0, moved.stderr
    assert run.read_settings().guide_labels == str(here / "known.csv")


def test_a_table_that_is_to_guide_a_start_is_sought_where_the_data_are_now(fruit, tmp_path):
    folder, table, _ = fruit
    write(tmp_path / "known.csv", ("id", "name"), [("f1", "red")])
    settings = replace(RunFolder(folder / "fruit").read_settings(), guide_labels="nowhere/known.csv")
    dataset = load_data(settings)
    with pytest.raises(InputError, match=r"nowhere/known\.csv does not exist"):
        resolved(settings, dataset)
    resolved(settings, dataset, has_start=True)
    now = replace(settings, data_dir=str(tmp_path))
    resolved(now, dataset)
    assert now.guide_table == str(tmp_path / "known.csv") and now.guide_labels == "nowhere/known.csv"
    assert replace(now, guide_labels=str(table)).guide_table == str(table)
    replace(now, guide_labels=now.guide_table).check_same(now)
    for other, began_with in (
        (str(table), now),
        (None, now),
        (now.guide_table, replace(now, guide_labels=str(table))),
    ):
        with pytest.raises(InputError, match="cannot go on with --guide_labels"):
            replace(now, guide_labels=other).check_same(began_with)


@pytest.mark.slow
def test_a_few_labelled_rows_guide_a_run_and_name_its_clusters(guided, fruit, tmp_path):
    (common, _, good), (_, _, lines) = guided, fruit
    call = [*common, "--name=guided", good]
    made, resumed = run_all("train.main", [call, [*call, "--resume"]], least_steps=60)
    assert (made.returncode, resumed.returncode) == (0, 0), made.stderr + resumed.stderr
    assert "nothing is left to train" in resumed.stdout
    run = RunFolder(tmp_path / "guided")
    found = rows(run.clusters_csv)
    assert [row["name"] for row in found] == [f"{line[3]} fruit" for line in lines]
    assert json.loads(run.metrics.read_text())["guide_labels"] == {"examples": 9, "classes": 3}
    card = model_card.description(run.read_settings(), run)
    assert "Trained from a start that 9 labelled examples guided on `fruit.csv`" in card
    assert "--guide_labels=good.csv" in card and str(tmp_path) not in card


def test_predict_refuses_in_one_sentence_and_writes_nothing(fruit, tmp_path):
    folder, table, _ = fruit
    run, output = f"--run={folder / 'fruit'}", f"--output={tmp_path / 'out.csv'}"
    narrow = write(tmp_path / "narrow.csv", ("code", "size", "colour"), [("a", 1, "red")])
    shards = tmp_path / "shards"
    made = run_all(
        "train.shards",
        [[f"--dataset={table}", f"--output={shards}", "--columns=colour,weight,size", "--processes=1"]],
    )
    assert made[0].returncode == 0, made[0].stderr
    parts = tmp_path / "parts"
    parts.mkdir()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(table), parts / "first.parquet")
    array = tmp_path / "x.npy"
    np.save(array, np.zeros((4, 3), "float32"))
    pipe = parts / "pipe.csv"
    os.mkfifo(pipe)
    wrong = write(tmp_path / "wrong.csv", ("size", "weight", "colour"), [("wide", 1, "red"), (5, 1, "red")])
    cases = [
        ([run, f"--dataset={narrow}", output], "lacks the column 'weight'"),
        ([run, f"--dataset={wrong}", output], "Column 'size' must hold numbers, but holds 'wide' in row 0"),
        ([run, "--dataset=digits", output], r"Examples of shape (8, 8, 1) do not fit a model built for (3,)"),
        ([run, f"--dataset={table}", f"--output={tmp_path / 'out.txt'}"], "must end in .csv or .parquet"),
        ([run, f"--dataset={table}", f"--output={tmp_path / 'no' / 'out.csv'}"], "which is no folder"),
        ([run, f"--dataset={table}", f"--output={pipe}"], "is a pipe or a device, and no file"),
        ([f"--dataset={table}", output], "Name the model"),
        ([run, f"--model={folder}", f"--dataset={table}", output], "name two models: leave one out"),
        (["--run=", f"--dataset={table}", output], "--run= is empty: give it a value, or leave it out"),
        ([f"--model={folder}", f"--dataset={table}", output], "is no exported model"),
        ([f"--run={tmp_path}", f"--dataset={table}", output], "is not a run"),
        (["--run=~/no run", f"--dataset={table}", output], str(Path.home() / "no run is not a run")),
        ([run, f"--dataset={table}", output, "--id_column=typo"], "has no column 'typo' for --id_column"),
        ([run, f"--dataset={array}", output, "--id_column=code"], "id_column applies to tables only"),
        ([run, f"--dataset={table}", output, "--skip_broken"], "skip_broken applies to folders of images only"),
        ([run, f"--dataset={shards}", output], "holds the columns 'colour', 'weight', 'size', and the model was"),
        ([run, f"--dataset={table}", f"--output={table.parent / '.' / table.name}"], "is the data set itself"),
        ([run, f"--dataset={parts}", f"--output={parts / 'out.parquet'}"], "would be read as a part of"),
        ([run, f"--dataset={tmp_path}", f"--output={tmp_path / 'out.parquet'}"], "would be read as a part of"),
    ]
    before = table.read_bytes()
    for (arguments, sentence), process in zip(
        cases, run_all("train.predict", [arguments for arguments, _ in cases]), strict=True
    ):
        assert process.returncode == 1, arguments
        assert sentence in process.stderr, process.stderr
        assert len([line for line in process.stderr.splitlines() if line.startswith("error:")]) == 1
    assert not list(tmp_path.rglob("out*")) and pipe.is_fifo() and table.read_bytes() == before


def test_names_are_looked_at_before_any_work(fruit, tmp_path):
    folder, table, _ = fruit
    far = write(tmp_path / "far.csv", ("cluster", "name"), [(99, "far")])
    unknown = write(tmp_path / "unknown.csv", ("id", "name"), [("f1", "red"), ("f1000", "red")])
    train = [f"--dataset={table}", "--id_column=code", "--num_components=3", f"--runs_dir={tmp_path}"]
    told = run_all("train.main", [[*train, f"--names={names}"] for names in (tmp_path / "no.csv", far, unknown)])
    told += run_all(
        "train.evaluate", [[f"--run={folder / 'fruit'}", f"--names={tmp_path / 'no.csv'}", "--noanswers"]]
    )
    sentences = (
        "no.csv does not exist", "row 0 has the cluster '99', but clusters are 0 to 2", "has the id 'f1000'",
        "--noanswers leaves out: drop one",
    )  # fmt: skip
    for process, sentence in zip(told, sentences, strict=True):
        assert process.returncode == 1 and sentence in process.stderr
        assert "Start 1/" not in process.stdout and "Scoring" not in process.stdout
    assert not any("training examples" in process.stdout for process in (told[0], told[-1]))
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("binarize", ["none", pytest.param("threshold", marks=pytest.mark.slow)])
def test_an_export_sees_whole_numbers_and_binarised_images_as_the_run_did(binarize, tmp_path):
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(12)])
    model = tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian", seed=0
    )
    split = Split(np.random.default_rng(0).integers(0, 256, (300, 6), "uint8"))
    exported = Exported(tf_gmvae.export(model, tmp_path / "sm", clusters={"binarize": binarize}))
    expected = model.examine(to_batches(split, 64, binarize=binarize))
    np.testing.assert_allclose(exported.answer(split).log_posterior, expected.log_posterior, atol=1e-4)
    np.testing.assert_allclose(exported.codes(split), expected.x, atol=1e-4)


def test_an_export_is_known_by_the_model_it_was_made_of(fruit, tmp_path):
    folder, _, _ = fruit
    version = folder / "sm" / "fruit" / "1"
    assert is_of(version, RunFolder(folder / "fruit"))
    other = Path(shutil.copytree(folder / "fruit", tmp_path / "fruit"))
    (other / "model.keras").write_bytes(b"of another run of that name")
    os.utime(other / "model.keras", (0, 0))  # and older than the export
    assert not is_of(version, RunFolder(other))
    before = Path(shutil.copytree(version, tmp_path / "1"))
    record = before / "assets.extra" / "tf_gmvae.json"
    known = json.loads(record.read_text())
    record.write_text(json.dumps({key: value for key, value in known.items() if key != "model_sha256"}))
    assert is_of(before, RunFolder(other))  # earlier versions went by the time
    named = RunFolder(shutil.copytree(folder / "fruit", tmp_path / "named"))
    named.write_whole(named.clusters_json, json.dumps({**named.read_clusters(), "names": ["a", "b", "c"]}))
    assert not is_of(version, named)  # nor knows it the names that were given since


def test_data_that_are_elsewhere_now_are_named_with_a_mend(fruit, tmp_path):
    folder, table, lines = fruit
    moved = Path(shutil.copytree(folder / "fruit", tmp_path / "moved"))
    flag_file = moved / "run.flags"
    flag_file.write_text(flag_file.read_text().replace(str(table), "runs/fruit.csv"))
    mend = "give --data_dir= with the folder in which fruit.csv lies now"
    with pytest.raises(InputError, match=f"moved were runs/fruit.csv, which is not to be found from here: {mend}"):
        Run.open(moved)
    with pytest.raises(InputError, match=f"from here, nor in {tmp_path}: {mend}"):
        Run.open(moved, str(tmp_path))
    assert Run.open(moved, str(table.parent)).dataset.train.num_examples == len(lines)
    assert Run.open(moved, str(table)).settings.dataset == str(table)  # itself


def test_rows_that_came_or_went_after_the_training_are_not_scored_as_its_own(fruit, tmp_path):
    folder, table, lines = fruit
    run = Path(shutil.copytree(folder / "fruit", tmp_path / "fruit"))
    assert json.loads((run / "examples.json").read_text()) == {"train": 150, "test": None}
    known = (run / "clusters.csv").read_bytes()
    header = table.read_text().splitlines()[0].split(",")
    for changed, said in (([*lines, *lines[:9]], "159"), (lines[:-1], "149")):
        write(tmp_path / "data" / table.name, header, changed)
        with pytest.raises(
            InputError, match=f"it has {said} training examples, and it had 150. Put the data back"
        ):
            Run.open(run, tmp_path / "data")
    (run / "run.flags").write_text((run / "run.flags").read_text().replace(str(folder), str(tmp_path / "data")))
    (scored,) = run_all("train.evaluate", [[f"--run={run}", "--nofloors"]])
    settings = (run / "run.flags").read_bytes()
    again = [f"--flagfile={run / 'run.flags'}", "--epochs=7", "--resume"]
    (resumed,) = run_all("train.main", [[*again, "--noexport"]])
    for refused in (scored, resumed):
        assert refused.returncode == 1
        assert "fruit.csv is not what the run in" in refused.stderr and "had 150" in refused.stderr
        assert "ask train.predict about the new rows, or train a new run" in refused.stderr
    assert (run / "clusters.csv").read_bytes() == known
    assert (run / "run.flags").read_bytes() == settings
    (run / "examples.json").write_text('{"train": "many", "test": null}')
    with pytest.raises(InputError, match=r"examples.json is damaged .*: move it away"):
        Run.open(run)
    # Of runs of earlier versions it is not known.
    (run / "examples.json").unlink()
    assert Run.open(run).dataset.train.num_examples == 149


def test_a_run_without_a_model_has_been_trained_on_nothing(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for count in (5, 9):  # killed before the first model, and begun again with more data
        dataset = Dataset("rows", Split(np.zeros((count, 2), "float32")))
        counts.check(folder, dataset, "")
        counts.note(folder, dataset)
    assert json.loads(folder.counts.read_text()) == {"train": 9, "test": None}
    folder.model.write_bytes(b"a model")
    counts.note(folder, Dataset("rows", Split(np.zeros((7, 2), "float32"))))
    assert json.loads(folder.counts.read_text())["train"] == 9


@pytest.mark.slow
def test_pictures_that_are_no_squares_are_asked_for_as_they_were(tmp_path):
    encoder = keras.Sequential([keras.Input((6, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(48), keras.layers.Reshape((6, 8, 1))])
    model = tf_gmvae.GMVAE(encoder, decoder, latent_dim=2, style_dim=2, num_components=3, seed=0)
    version = tf_gmvae.export(model, tmp_path / "sm")
    for name, size in (("same", (8, 6)), ("other", (20, 15))):
        (tmp_path / name).mkdir()
        for number in range(3):
            picture = np.random.default_rng(number).integers(0, 255, size[::-1], "uint8")
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    common = [f"--model={version}", f"--output={tmp_path / 'out.csv'}"]
    same, other = run_all("train.predict", [[*common, f"--dataset={tmp_path / n}"] for n in ("same", "other")])
    assert same.returncode == 0, same.stderr
    assert len(rows(tmp_path / "out.csv")) == 3
    assert other.returncode == 1 and "sizes than 8 x 6 pixels" in other.stderr
    assert other.stderr.endswith("resize them to 8 x 6.\n")


def test_clusters_of_one_name_are_one():
    log_posterior = np.log([[0.4, 0.35, 0.25], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    split = Split(np.zeros((3, 2), "float32"), ids=np.array(["a", "b", "c"]))
    elbo = np.array([-1.0, np.nan, -30.0])

    def told(names):
        return answers.rows({"all": split}, lambda part: Answer(log_posterior, elbo), -10.0, names)

    plain = told(None)
    assert plain["cluster"].tolist() == [0, 2, 0]
    assert plain["runner_up"].tolist() == [1, 1, 1]
    assert plain["name"].tolist() == ["", "", ""]
    assert plain["outlier"].tolist() == [False, True, True]
    merged = told(["cat", "dog", "dog"])
    assert merged["name"].tolist() == ["dog", "dog", "cat"]
    assert merged["cluster"].tolist() == [1, 2, 0]
    assert merged["runner_up"].tolist() == [0, 0, 1]
    np.testing.assert_allclose(merged["probability"], [0.6, 0.9, 0.6], rtol=1e-6)
    assert told(["cat"] * 3)["runner_up"].tolist() == [-1] * 3


def test_probabilities_that_are_joined_are_at_most_one():
    logits = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    log_posterior = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert np.exp(log_posterior).sum(axis=1).max() > 1  # as float32 has it
    answer = Answer(log_posterior, np.zeros(500))
    split = Split(np.zeros((500, 2), "float32"))
    found = answers.rows({"all": split}, lambda part: answer, None, ["cat"] * 3, np.zeros(3, int))
    for name in ("probability", "group_probability"):
        assert found[name].max() == 1 and found[name].min() > 1 - 1e-6


def test_far_out_is_beyond_three_times_the_quartiles_distance():
    elbos = np.concatenate([np.linspace(-10, -6, 101), [-40.0]])
    first, third = np.quantile(elbos, [0.25, 0.75])
    assert answers.outlier_below(elbos) == pytest.approx(first - 3 * (third - first))
    assert -40 < answers.outlier_below(elbos) < -10


@pytest.mark.parametrize(
    ("header", "lines", "sentence"),
    [
        (("cluster", "title"), [(0, "a")], "must have a column 'name'"),
        (("cluster", "name"), [(3, "a")], "row 0 has the cluster '3', but clusters are 0 to 2"),
        (("cluster", "name"), [(0, "a"), (0, "b")], "names cluster 0 twice"),
        (("cluster", "name"), [(0, "")], "row 0 has no name"),
        (("id", "name"), [("nobody", "a")], "the id 'nobody'"),
    ],
)
def test_bad_names_are_refused(tmp_path, header, lines, sentence):
    with pytest.raises(InputError, match=sentence):
        cluster_names.read(write(tmp_path / "n.csv", header, lines), 3, {"x": 0})


def test_names_by_number_and_by_majority(tmp_path):
    by_number = write(tmp_path / "n.csv", ("cluster", "name"), [(2, "two"), (0, "zero")])
    assert cluster_names.read(by_number, 3, {}) == {"names": ["zero", "1", "two"], "certainty": [None] * 3}
    by_id = write(tmp_path / "i.csv", ("id", "name"), [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")])
    found = cluster_names.read(by_id, 3, {"a": 0, "b": 0, "c": 0, "d": 2})
    assert found["names"] == ["x", "1", "y"]
    # A name that is the number of another cluster does not make the two one.
    of_numbers = write(tmp_path / "o.csv", ("cluster", "name"), [(0, 2), (1, 1)])
    assert cluster_names.read(of_numbers, 4, {})["names"] == ["2", "1", "cluster 2", "3"]
    clusters, known = np.array([0, 1, 1, 2]), np.array([1, 0, -1, -1])
    assert guide.names_of(clusters, known, ["2", "9"], 3)["names"] == ["9", "2", "cluster 2"]
    assert found["certainty"] == [pytest.approx(2 / 3), None, 1.0]
