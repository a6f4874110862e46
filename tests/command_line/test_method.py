"""`python -m train.method`: another method's run from its beginning to its scores."""

import csv
import json
import shlex

import keras
import numpy as np
import pytest
from support.commands import run_all
from support.misuse import check_refused

import tf_gmvae
from tf_gmvae import InputError, evaluation
from tf_gmvae.data.table import read_table
from tf_gmvae.methods import pretrained
from tf_gmvae.start.checkpoints import Checkpoints
from tf_gmvae.tables.describing import describe
from train.run import afterwards, method_job
from train.run.folder import RunFolder
from train.run.history import History
from train.run.loading import data_to_train_on, load_data
from train.run.method_job import MethodRun
from train.run.method_settings import MethodSettings


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a run of two epochs, the second after a break."""
    folder = tmp_path_factory.mktemp("runs")
    calls = [
        ["--method=aae", "--dataset=digits", *more, f"--runs_dir={folder}"]
        for more in (["--epochs=1", "--noreport"], ["--epochs=2", "--resume"])
    ]
    answers = run_all("train.method", calls)
    assert ["\nNext\n" in run.stdout for run in answers] == [False, True]
    for run in answers:
        assert run.returncode == 0, run.stderr
        assert "components in use" in run.stdout and "digits-aae-k10-seed0/ (model.keras" in run.stdout
    return folder


def test_a_run_leaves_model_scores_and_history(runs):
    run = runs / "digits-aae-k10-seed0"
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["method"], metrics["epochs"], metrics["num_examples"]) == ("aae", 2, 359)
    model = keras.saving.load_model(run / "model.keras")
    assert metrics["parameters"] == model.count_params() > 1e6
    test = tf_gmvae.data.load("digits").test
    log_assignments, _ = model.examine(test.examples)
    scores = evaluation.scores(np.exp(log_assignments), test.labels, log_assignments)
    assert scores == pytest.approx({name: metrics[name] for name in scores}, abs=0.01)
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"] and not any("NA" in row.values() for row in rows)
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert float(rows[1]["test_accuracy_table1"]) == pytest.approx(metrics["accuracy_table1"], abs=0.01)
    assert "--method=aae\n" in (run / "run.flags").read_text()
    assert "found without labels by an Adversarial Autoencoder" in (run / "report.html").read_text()
    assert not any("overlap" in sentence for sentence in metrics["collapse"])


def test_what_is_advised_is_what_the_command_can_do(runs):
    folder = RunFolder(runs / "digits-aae-k10-seed0")
    settings = MethodSettings.read(folder.flags)
    run = MethodRun.left(folder, settings, load_data(settings))
    one = np.log(np.eye(10)[np.zeros(run.scored.num_examples, int)] + 1e-9)
    (sentence,) = method_job.score(run, one)["collapse"]
    assert sentence.startswith("One component takes nearly all examples")
    assert sentence.endswith(
        "Train longer (--epochs), try another --seed, or use fewer clusters (--num_components)."
    )


def test_a_history_of_an_earlier_version_keeps_its_columns(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,seconds,val_loss,val_seconds\n0,2.0,1.0,NA,NA\n")
    history = History(tmp_path / "history.csv")
    history.on_train_begin()
    history.on_epoch_end(1, {"loss": 1.0, "seconds": 3.0})
    history.on_train_end()
    assert [row["seconds"] for row in RunFolder(tmp_path).read_history()] == [1.0, 3.0]


def test_a_run_that_was_stopped_says_what_goes_on(tmp_path):
    folder = RunFolder(tmp_path / "run")

    def told(replaces=False, opened=True):
        return [afterwards.of(folder, overwrite, replaces, opened) for overwrite in (False, True)]

    assert told(opened=False) == ["the same command begins again, as nothing was written"] * 2
    folder.path.mkdir()
    folder.flags.touch()
    instead = "--resume in place of --overwrite"
    assert told() == ["--resume begins the run again", f"{instead} begins the run again"]
    # The clusters of a start are kept before the first epoch of its trainings.
    kept = Checkpoints(folder.start_checkpoints, {})
    assert told()[0] == "--resume begins the run again"
    kept.keep_labels(np.eye(2))
    assert told() == ["--resume goes on with the start", f"{instead} goes on with the start"]
    folder.model.touch()
    assert told() == ["--resume goes on after the start", f"{instead} goes on after the start"]
    folder.history.write_text("epoch,seconds\n0,1.0\n")
    ended = "goes on after the last finished epoch"
    assert told() == [f"--resume {ended}", f"{instead} {ended}"]
    assert "is as it was, and the same command begins" in told(replaces=True)[1]


def test_commands_for_runs_of_the_model_say_whose_run_it_is(runs):
    (process,) = run_all("train.evaluate", [[f"--run={runs / 'digits-aae-k10-seed0'}"]])
    assert process.returncode == 1
    assert "digits-aae-k10-seed0 is a run of train.method, and this command takes those" in process.stderr


@pytest.mark.slow
def test_the_mend_of_damaged_scores_works(runs):
    run = runs / "digits-aae-k10-seed0"
    (run / "metrics.json").write_text("{")
    with pytest.raises(
        InputError, match=r"metrics.json is damaged.*`python -m train\.method .*` writes it"
    ) as told:
        RunFolder(run).read_metrics()
    command = shlex.split(str(told.value).split("`")[1])
    (again,) = run_all("train.method", [command[3:]])
    assert again.returncode == 0, again.stderr
    assert RunFolder(run).read_metrics()["epochs"] == 2


def test_what_is_finished_stays_and_what_is_bad_gets_a_sentence(runs):
    common = ["--method=aae", "--dataset=digits", f"--runs_dir={runs}"]
    (again,) = run_all("train.method", [[*common, "--epochs=2", "--resume"]])
    assert again.returncode == 0 and "nothing is left to train" in again.stdout
    gap = runs / "gap.csv"
    gap.write_text("size,age\n" + "".join(f"{n},{'' if n == 3 else n * n}\n" for n in range(20)))
    grown = runs / "grown"
    grown.mkdir()
    for name in ("run.flags", "model.keras"):
        (grown / name).write_bytes((runs / "digits-aae-k10-seed0" / name).read_bytes())
    (grown / "examples.json").write_text('{"train": 1400, "test": 359}')
    damaged = runs / "damaged"
    damaged.mkdir()
    (damaged / "run.flags").write_text((runs / "digits-aae-k10-seed0" / "run.flags").read_text())
    (damaged / "model.keras").write_bytes(b"PK")
    cases = {
        (): "is not empty: pass --resume",
        ("--resume", "--seed=0", "--num_components=9", "--name=digits-aae-k10-seed0"): "cannot go on with",
        ("--resume", "--method=dec", "--name=digits-aae-k10-seed0"): "cannot go on with --method=dec",
        ("--resume", "--epochs=7", "--name=grown"): "digits is not what the run in",
        ("--resume", "--name=damaged"): "cannot be read (it is cut short",
        ("--method=dce",): "--method",
        ("--epochs=0", "--seed=5"): "--epochs",
        ("--num_components=5000", "--seed=5"): "5000 clusters need at least as many examples",
        ("--dataset=minst",): "minst",
        (f"--dataset={gap}", "--num_components=2"): "gap.csv has no value in column 'age', row 3, and aae takes",
    }
    settings = (grown / "run.flags").read_bytes()
    page = check_refused("train.method", cases, runs, *common)
    assert (grown / "run.flags").read_bytes() == settings
    assert "--method=" in page and "--dataset=" in page
    (nameless,) = run_all("train.method", [["--dataset=digits"]])
    assert nameless.returncode == 1 and "Name the method: --method= with one of dec, aae" in nameless.stderr


def table_of(path, count=60):
    """Rows of two clusters, of which small numbers and words tell, and a column of large numbers that does not."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 2
    grams = rng.normal(5000, 3000, count)
    tons = rng.normal(0.01 * labels, 0.001)
    words = np.array(["red", "green", "blue"])[(labels + (rng.random(count) < 0.1)) % 3]
    lines = [f"{g:.1f},{t:.6f},{w},{k}" for g, t, w, k in zip(grams, tons, words, labels, strict=True)]
    path.write_text("grams,tons,word,kind\n" + "\n".join(lines) + "\n")
    return grams, tons, words, labels


def test_the_columns_of_a_table_are_on_one_scale_in_a_run_and_when_it_goes_on(tmp_path):
    grams, tons, words, _ = table_of(tmp_path / "x.csv")
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.flags.write_text(
        f"--method=aae\n--dataset={tmp_path / 'x.csv'}\n--num_components=2\n--label_column=kind\n"
    )
    settings = MethodSettings.read(folder.flags)
    dataset = load_data(settings)
    run = MethodRun.begin(folder, settings, dataset)
    for column, values in enumerate((grams, tons)):
        standardised = (values - values.mean()) / values.std()
        np.testing.assert_allclose(run.examined[:, column], standardised, rtol=1e-3, atol=1e-3)
    assert run.model.data_shape == (5,) and len({tuple(row) for row in run.examined[words == "red", 2:]}) == 1
    run.model.save(folder.model)
    again = MethodRun.left(folder, settings, dataset)
    assert again.columns == run.columns
    np.testing.assert_array_equal(again.examined, run.examined)
    folder.counts.write_text('{"train": 60, "test": null, "columns": [3]}')
    with pytest.raises(
        InputError, match=r"examples.json is damaged \(its columns cannot be read\): put back a copy"
    ):
        MethodRun.left(folder, settings, dataset)
    folder.counts.unlink()  # as earlier versions left it, whose runs have raw columns
    earlier = MethodRun.left(folder, settings, dataset)
    assert earlier.columns is None and earlier.examined is dataset.train.examples


def test_a_run_finds_its_columns_by_their_names_or_says_which_are_others(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "HIDDEN", (16,))
    path, folder = tmp_path / "x.csv", RunFolder(tmp_path / "run")
    rows = [(n * n, n / 3, n % 7, ("red", "green")[n % 2]) for n in range(30)]

    def write(*names, level="red"):
        columns = dict(zip(("customer_id", "a", "b", "word"), zip(*rows, strict=True), strict=True))
        columns["word"] = [level if word == "red" else word for word in columns["word"]]
        lines = zip(*(columns[name] for name in names), strict=True)
        path.write_text("\n".join([",".join(names), *(",".join(map(str, line)) for line in lines)]) + "\n")

    def go_on():
        dataset, chosen = data_to_train_on(settings, folder, resume=True)
        find = MethodRun.left if folder.model.is_file() else MethodRun.begin
        return find(folder, chosen, dataset)

    write("customer_id", "a", "b", "word")
    folder.path.mkdir()
    folder.flags.write_text(f"--method=dec\n--dataset={path}\n--num_components=2\n")
    settings = MethodSettings.read(folder.flags)
    known = describe(read_table(path), {"customer_id": "real"})[0]  # as a version that knew no such identifier
    run = MethodRun.begin(folder, settings, load_data(settings, known=known))
    run.model.save(folder.model)
    assert run.columns.names == ("customer_id", "a", "b", "word") != load_data(settings).columns.names
    for order in (("customer_id", "a", "b", "word"), ("word", "b", "customer_id", "a")):
        write(*order)
        np.testing.assert_array_equal(go_on().examined, run.examined)
    for names, level, fault in (
        (("a", "b", "word"), "red", "it lacks the column 'customer_id'"),
        (("customer_id", "a", "b", "word"), "blue", "its column 'word' holds something else"),
    ):
        write(*names, level=level)
        with pytest.raises(InputError, match=f"x.csv is not what .*: {fault}. Put the file back, or train"):
            go_on()
    folder.model.unlink()  # of what has not been trained nothing is known
    assert go_on().columns.names == ("a", "b", "word")


@pytest.mark.slow
def test_a_method_finds_the_clusters_of_a_table_of_any_units(tmp_path):
    table_of(tmp_path / "x.csv", 300)
    call = [f"--dataset={tmp_path / 'x.csv'}", "--method=dec", "--num_components=2", "--label_column=kind"]
    calls = [[*call, "--name=run", f"--runs_dir={tmp_path}", "--epochs=2", *more] for more in ([], ["--resume"])]
    for answer in run_all("train.method", calls):
        assert answer.returncode == 0, answer.stderr
        assert RunFolder(tmp_path / "run").read_metrics()["ari"] > 0.8
    assert "grams" in (tmp_path / "run" / "report.html").read_text()
