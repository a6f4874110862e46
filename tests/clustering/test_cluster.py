"""`tf_gmvae.cluster`: from data to clusters in one call."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import tensorflow as tf
from conftest import run_warm
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import tf_gmvae
from tf_gmvae import GMVAEClusterer, InputError, inputs, presets
from tf_gmvae.clustering import answers, recipe
from tf_gmvae.clustering.cluster import as_dataset
from tf_gmvae.data.streams import parquet, source
from tf_gmvae.data.table import load_rows
from tf_gmvae.start import initialization
from tf_gmvae.tables.likelihood import ColumnsLikelihood


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The road as it is, but for its length."""
    monkeypatch.setattr(initialization, "LEAST_STEPS", 60)
    monkeypatch.setattr(recipe, "EPOCHS", 2)


@pytest.mark.parametrize("form", [pytest.param("frame", marks=pytest.mark.slow), "path"])
def test_a_table_in_whatever_form(form, table, tmp_path):
    names = [f"column_{number}" for number in range(6)]
    frame = pd.DataFrame(table, columns=names)
    path = tmp_path / "table.parquet"
    frame.to_parquet(path)
    found = tf_gmvae.cluster(str(path) if form == "path" else table, num_components=3, seed=1)
    assert found.clusters.shape == (200,) and found.clusters.dtype == np.int64
    assert found.probabilities.shape == (200, 3)
    assert np.array_equal(found.probabilities.argmax(axis=1), found.clusters)
    np.testing.assert_allclose(found.model.predict(table, verbose=0), found.probabilities, atol=1e-5)
    # Three clusters that cannot be missed.
    assert len(np.unique(found.clusters)) == 3 and found.probabilities.max(axis=1).mean() > 0.9
    # What is clustered is the same in every form, names of columns aside.
    of_array, *others = (recipe.with_columns(as_dataset(each)) for each in (table, frame, str(path)))
    for other in others:
        np.testing.assert_array_equal(other.train.examples, of_array.train.examples)
        for ours, theirs in zip(other.columns.columns, of_array.columns.columns, strict=True):
            assert (ours.kind, ours.center, ours.scale) == (theirs.kind, theirs.center, theirs.scale)
    if form == "frame":
        again = tf_gmvae.cluster(frame, num_components=3, seed=1)
        np.testing.assert_array_equal(again.clusters, found.clusters)


@pytest.mark.slow
def test_the_defaults_find_the_digits(monkeypatch):
    monkeypatch.undo()
    digits = tf_gmvae.data.load("digits")
    found = tf_gmvae.cluster(digits)
    assert adjusted_rand_score(digits.train.labels, found.clusters) > 0.85
    of_new = found.model.predict(digits.test.examples, verbose=0).argmax(axis=1)
    assert adjusted_rand_score(digits.test.labels, of_new) > 0.85


@pytest.mark.slow
def test_an_embedding_keeps_its_proportions():
    """Two clusters along the one wide dimension of many, of which each would else count as much."""
    rng = np.random.default_rng(0)
    kinds = np.arange(300) % 2
    rows = rng.normal(0, 0.3, (300, 40)).astype("float32")
    rows[:, 0] = rng.normal(0, 0.3, 300) + 8.0 * kinds
    rows[:, 1:21] += rng.normal(0, 0.5, (300, 1))
    common = tf_gmvae.cluster(rows, num_components=2, column_scale="common")
    assert adjusted_rand_score(kinds, common.clusters) > 0.7
    standardised = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    floor = KMeans(2, n_init=10, random_state=0).fit_predict(standardised)
    assert adjusted_rand_score(kinds, floor) < 0.1
    scales = {column.scale for column in common.model.likelihood.columns.columns}
    assert len(scales) == 1


def test_one_scale_of_all_columns_is_found_once_and_for_vectors_alone():
    rows = np.random.default_rng(0).normal(0, [0.3, 8.0, 0.3], (9, 3)).astype("float32")
    few = tf_gmvae.GMVAEClusterer(2, column_scale="common", max_steps=1, random_state=0).fit(rows[:9])
    described = recipe.with_columns(as_dataset(rows[:9]), "common").columns
    assert few.columns_.columns == described.columns and len({each.scale for each in described.columns}) == 1
    with pytest.raises(InputError, match=r"of shape \(8, 8, 1\): leave column_scale out"):
        tf_gmvae.cluster(np.zeros((20, 8, 8)), num_components=2, column_scale="common")


def test_an_answer_does_not_depend_on_the_rows_beside_it(table, make_table_model):
    model = make_table_model()
    for answer in (answers.posterior, answers.means, answers.elbos):
        alone = np.concatenate([answer(model, table[number : number + 1]) for number in range(5)])
        np.testing.assert_array_equal(answer(model, table)[:5], alone)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter([1]), "a table, an array, or the path"),
        (["a", "b"], "must be numbers"),
        (np.array([[1.0, np.inf]] * 4), "infinite"),
        (pd.DataFrame({"a": [1.0]}), "1 row"),
        (pd.Series([1.0, 2.0, 5.0]), r"pass its .to_frame\(\)"),
        (pl.LazyFrame({"a": [1.0, 2.0, 5.0]}), r"pass its .collect\(\)"),
        ("nowhere.csv", "nowhere.csv"),
        (np.linspace(-1, 1, 128).reshape(2, 8, 8), r"first by \(x - x.min\(\)\) / \(x.max\(\) - x.min\(\)\)\.$"),
        (np.linspace(0, 255, 128).reshape(2, 8, 8), "divide by 255, or pass uint8\\)\\.$"),
        ([np.zeros((8, 8)), np.zeros((9, 9))], "resize images to one size"),
    ],
)
def test_what_cannot_be_clustered_is_named(data, message):
    with pytest.raises(InputError, match=message):
        tf_gmvae.cluster(data)


def test_the_length_of_the_training_follows_the_data(monkeypatch):
    monkeypatch.undo()
    assert [recipe.epochs_for(rows) for rows in (150, 20_000, 50_000, 10**6)] == [20, 10, 4, 1]
    assert [recipe.epochs_for(rows, most=200) for rows in (150, 20_000)] == [200, 10]


@pytest.fixture
def told(monkeypatch):
    """What the last start returned and left, and what training then began with."""
    told, whole_start, whole_fit = {}, tf_gmvae.GMVAE.initialize, tf_gmvae.GMVAE.fit

    def initialize(self, examples, **options):
        told["start"] = whole_start(self, examples, **options)
        told["posterior"] = self.predict(examples, verbose=0)
        return told["start"]

    def fit(self, batches, **options):
        told["examples"], told["held"] = (part.numpy() for part in next(iter(batches)))
        told["optimizer"] = self.optimizer
        return whole_fit(self, batches, **options)

    monkeypatch.setattr(tf_gmvae.GMVAE, "initialize", initialize)
    monkeypatch.setattr(tf_gmvae.GMVAE, "fit", fit)
    return told


@pytest.mark.parametrize(
    ("times", "given"),
    [(4, None), pytest.param(4, 0.003, marks=pytest.mark.slow), pytest.param(1, None, marks=pytest.mark.slow)],
)
def test_training_goes_on_at_the_labels_of_large_pictures(told, times, given):
    """Of 32 x 32 values, and not of 8 x 8."""
    images = tf_gmvae.data.load("digits").train.examples[:40].repeat(times, axis=1).repeat(times, axis=2)
    # Two epochs of two steps.
    model = recipe.Recipe(3, 0, max_steps=4, batch_size=20, learning_rate=given).fitted(as_dataset(images)).model
    numbers = [int(np.flatnonzero((images == one).all(axis=(1, 2, 3)))[0]) for one in told["examples"]]
    labels, posterior = told["start"].labels[numbers], told["posterior"][numbers]
    assert len(numbers) == 20 and np.abs(labels - posterior).max() > 0.1
    np.testing.assert_allclose(told["held"], labels if times == 4 else posterior, atol=1e-6)
    rate = told["optimizer"].get_config()["learning_rate"]
    if times == 4 and given is None:
        assert rate["class_name"] == "CosineDecay" and rate["config"]["initial_learning_rate"] == 5e-4
        assert rate["config"]["decay_steps"] == 4
    else:
        assert rate == pytest.approx(given or 1e-4)
    # Whoever trains on has a rate that stays.
    assert float(model.optimizer.learning_rate) == pytest.approx(given or 1e-4)
    assert model.optimizer.get_config()["learning_rate"] == pytest.approx(given or 1e-4)


@pytest.mark.slow
def test_large_pictures_come_to_the_clusters_of_the_command(tmp_path, monkeypatch):
    monkeypatch.undo()
    images = tf_gmvae.data.load("digits").train.examples[:300].repeat(4, axis=1).repeat(4, axis=2)
    np.savez(tmp_path / "large.npz", x=images)
    process = run_warm(
        "-m", "train.main", "--dataset=large.npz", "--num_components=10", "--name=large", "--noreport",
        "--noexport", cwd=tmp_path,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-3000:]
    of_command = pd.read_csv(tmp_path / "runs" / "large" / "clusters.csv")
    found = tf_gmvae.cluster(tmp_path / "large.npz", num_components=10)
    assert (of_command["cluster"].to_numpy() == found.clusters).mean() > 0.99


def test_large_images_of_arrays_are_told_a_mend_and_those_of_files_resized_as_the_command_does(tmp_path, caplog):
    images = np.random.default_rng(0).integers(0, 256, (3, 100, 120), "uint8")
    np.save(tmp_path / "images.npy", images)
    of_file = as_dataset(tmp_path / "images.npy")
    assert of_file.train.data_shape == (64, 64, 1) and not caplog.messages
    as_dataset(images)
    (said,) = caplog.messages
    assert said.startswith("images of 120 x 100 pixels make networks of that size")
    call = re.search(r"tf\.image\.resize\(.*\)(?= of)", said)[0]
    mended = as_dataset(eval(call, {"tf": tf, "images": images[..., np.newaxis]}).numpy())
    np.testing.assert_allclose(mended.train.examples, of_file.train.examples / 255, atol=0.02)
    assert len(caplog.messages) == 1


def test_a_split_of_series_is_clustered_as_such():
    series = as_dataset(tf_gmvae.data.Split(np.zeros((9, 32, 2), "float32")))
    assert presets.for_shape(series.train.data_shape).name == "series"


@pytest.mark.slow
def test_a_table_comes_to_the_clusters_of_the_command(tmp_path, monkeypatch):
    monkeypatch.undo()
    from sklearn.datasets import load_wine

    load_wine(as_frame=True).data.to_csv(tmp_path / "wine.csv", index=False)
    process = run_warm("-m", "train.main", "--dataset=wine.csv", "--num_components=3", "--name=wine", cwd=tmp_path)
    assert process.returncode == 0, process.stderr[-3000:]
    of_command = pd.read_csv(tmp_path / "runs" / "wine" / "clusters.csv")
    found = tf_gmvae.cluster(tmp_path / "wine.csv", num_components=3)
    assert (of_command["cluster"].to_numpy() == found.clusters).mean() > 0.99


def test_what_float32_cannot_tell_apart_is_a_warning_at_every_door(tmp_path, caplog):
    """Such rows were clustered without a word."""
    rows = np.random.default_rng(0).normal(0, 4, (40, 2))
    far, farther = rows + 1e8, rows + 1e9
    paths = {name: tmp_path / f"far.{name}" for name in ("npy", "npz", "parquet")}
    np.save(paths["npy"], far)
    np.savez(paths["npz"], x=far)
    pd.DataFrame(far, columns=["0", "1"]).to_parquet(paths["parquet"])
    doors = [
        *(
            lambda data=data: recipe.with_columns(as_dataset(data))
            for data in (far, far.tolist(), *paths.values())
        ),
        lambda: recipe.with_columns(GMVAEClusterer()._described(far)),
        lambda: tf_gmvae.GMVAE.for_table(far, num_components=2),
        lambda: tf_gmvae.GMVAE.for_table(np.ma.masked_less(far, 1e8 - 1), num_components=2),
        lambda: source.of_dataset(as_dataset(far)),
        lambda: source.of_npy(paths["npy"], False),
    ]
    for door in doors:
        caplog.clear()
        door()
        assert "different values, of which float32 tells" in caplog.text and "WARNING" in caplog.text
    np.save(paths["npy"], farther)
    for data in (farther, paths["npy"]):
        with pytest.raises(
            InputError, match="differ any more: columns 0, 1 .* at most 1 apart: subtract their means"
        ):
            recipe.with_columns(as_dataset(data))
    caplog.clear()
    recipe.with_columns(as_dataset(far - far.mean(axis=0)))  # the mend works
    assert not caplog.text


def test_dates_as_texts_are_dates_wherever_they_come_from(tmp_path, caplog):
    days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60) * 7, unit="D")).astype(str)
    days[3] = None
    frame = pd.DataFrame(
        {"when": days, "x": np.random.default_rng(0).normal(size=60), "name": map(str, range(60))}
    )
    frame.to_csv(tmp_path / "w.csv", index=False)
    frame.to_parquet(tmp_path / "w.parquet")
    of_csv, *others = (as_dataset(data) for data in (tmp_path / "w.csv", tmp_path / "w.parquet", frame))
    for other in others:
        assert other.columns.names == ("when", "x")
        np.testing.assert_array_equal(other.train.examples, of_csv.train.examples[:, :2])
    assert "column 'name' holds 60 different numbers as texts" in caplog.text
    caplog.clear()
    model = tf_gmvae.GMVAE.for_table(frame, num_components=2, seed=0)
    assert "column 'name' holds" in caplog.text
    opened = parquet.of_parquet(tmp_path / "w.parquet")
    assert opened.columns.meanings == model.likelihood.columns.meanings
    np.testing.assert_array_equal(next(opened.pieces[0].read()).examples, others[0].train.examples)
    # A model trained on days takes them as texts, too, beside what it has no use for.
    new = frame.assign(more=pd.to_timedelta(3, unit="s"))
    np.testing.assert_array_equal(
        model.predict(new, verbose=0), model.predict(others[0].train.examples, verbose=0)
    )
    few = frame.assign(when=["2024-01-01", "2024-02-01"] * 30)
    assert as_dataset(few, {"when": "category"}).columns.columns[0].levels == ("2024-01-01", "2024-02-01")


def test_two_dates_are_levels_that_new_rows_have_wherever_they_come_from(tmp_path):
    rng = np.random.default_rng(0)
    kinds = np.arange(40) % 2 == 0
    frame = pd.DataFrame(
        {
            "visit": np.where(kinds, "2024-01-02", "2023-12-31"),
            "slot": np.where(kinds, "10:30", "14:00"),
            "x": rng.normal(size=40),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    opened = parquet.of_parquet(tmp_path / "t.parquet")
    found = [(as_dataset(data).columns) for data in (frame, tmp_path / "t.parquet", tmp_path / "t.csv")]
    assert found[0] == found[1] == opened.columns
    assert found[0].columns[0].levels == ("2023-12-31", "2024-01-02")
    assert np.isfinite(next(opened.pieces[0].read()).examples).all()
    for columns in found:
        rows = [
            load_rows(tmp_path / "t.parquet", columns).examples,
            load_rows(tmp_path / "t.csv", columns).examples,
            inputs.readable(frame, ColumnsLikelihood(columns)),
        ]
        for each in rows:
            np.testing.assert_array_equal(each, as_dataset(frame).train.examples)


def test_arrays_make_a_model_for_a_table_in_whatever_form():
    rows = np.random.default_rng(0).normal(size=(20, 3)).round(3)
    config = tf_gmvae.GMVAE.for_table(rows, num_components=2).likelihood.columns.as_config()
    for form in (rows.astype(object), rows.tolist(), list(rows), tf.constant(rows)):
        assert tf_gmvae.GMVAE.for_table(form, num_components=2).likelihood.columns.as_config() == config
    gaps = [[1.0, None], [2.0, 3.0], [3.0, 1.0]]
    assert len(tf_gmvae.GMVAE.for_table(gaps, num_components=2).likelihood.columns.columns) == 2
    for wrong, sentence in [
        (np.zeros((20, 8, 8)), r"an array \(N, F\) of numbers. Received: an array of shape \(20, 8, 8\)"),
        (tf.data.Dataset.from_tensors(rows), "an array .* Received: _"),
        ([["a", "b"]] * 9, "array|numbers"),
    ]:
        with pytest.raises(InputError, match=sentence):
            tf_gmvae.GMVAE.for_table(wrong, num_components=2)


def test_moments_that_days_merge_have_a_mend_that_works(caplog):
    t = pd.Series(pd.Timestamp("2026-11-27") + pd.to_timedelta(np.arange(300) * 7, unit="s"))
    frame = pd.DataFrame(
        {"t": t, "at": pd.Timestamp("2026-11-27") + pd.to_timedelta(np.arange(300) / 99, unit="s")}
    )
    frame["x"] = np.arange(300) % 7
    as_dataset(frame)
    mend = "write it as seconds since the first, in pandas by (t - t.min()).dt.total_seconds()."
    left_out, merged = caplog.messages
    assert left_out.startswith("column 'at' varies by 0.84 seconds, less than float32") and left_out.endswith(mend)
    assert merged.startswith("column 't' has 300 different dates or times, of which") and merged.endswith(mend)
    caplog.clear()
    as_dataset(frame.assign(t=(t - t.min()).dt.total_seconds()).drop(columns="at"))
    assert not caplog.text


def test_what_is_masked_is_missing():
    rows = np.ma.masked_less(np.random.default_rng(0).normal(size=(30, 3)), -1)
    examples = as_dataset(rows).train.examples
    np.testing.assert_array_equal(np.isnan(examples), rows.mask)
    np.testing.assert_array_equal(examples[~rows.mask], rows.data[~rows.mask].astype("float32"))
    shades = np.ma.masked_array(np.arange(128).reshape(2, 8, 8).astype("uint8"), mask=False)
    assert as_dataset(shades).train.examples.dtype == "uint8"
    shades[0, 0, 0] = np.ma.masked
    with pytest.raises(InputError, match="example 0 holds a NaN"):
        as_dataset(shades)
    with pytest.raises(InputError, match="examples by np.stack, batches by np.concatenate"):
        as_dataset(list(shades))
