"""`GMVAEClusterer`, as scikit-learn's own checks and as its users see it."""

import copy
import gc
import pickle
import signal
import unicodedata
import warnings
import weakref

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from conftest import run_python
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import tf_gmvae
from tf_gmvae import GMVAEClusterer, InputError
from tf_gmvae.clustering import arrays
from tf_gmvae.clustering.cluster import as_dataset
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.table import known_columns
from tf_gmvae.start import agreement, initialization
from tf_gmvae.tables.precision import Days

ALL_SAMPLES = agreement.SAMPLES  # other tests have fewer, from when all files are imported
# Trained for a moment, since nearly all of the checks fit anew; and long enough to rely on the clusters.
BRIEF, LONG = GMVAEClusterer(n_clusters=2, max_steps=1), GMVAEClusterer(n_clusters=3, max_steps=100)
# Checks that fit many times over.
OF_SECONDS = (
    "check_transformer_data_not_an_array", "check_pipeline_consistency", "check_estimators_dtypes",
    "check_fit_score_takes_y", "check_transformer_general", "check_methods_subset_invariance",
    "check_dtype_object", "check_fit_idempotent", "check_estimators_pickle", "check_n_features_in_after_fitting",
    "check_dict_unchanged", "check_readonly_memmap_input", "check_fit_check_is_fitted", "check_n_features_in",
    "check_positive_only_tag_during_fit", "check_methods_sample_order_invariance",
    "check_f_contiguous_array_estimator", "check_estimators_overwrite_params",
)  # fmt: skip


def checks():
    """Scikit-learn's checks: those of the clusters themselves of `LONG`, all others of `BRIEF`."""
    for estimator in (BRIEF, LONG):
        for number, (_, check) in enumerate(estimator_checks_generator(estimator)):
            name = check.func.__name__
            if (name == "check_clustering") == (estimator is LONG):
                marks = [pytest.mark.slow] if estimator is LONG or name in OF_SECONDS else []
                yield pytest.param(estimator, check, id=f"{name}-{number}", marks=marks)


@pytest.mark.filterwarnings("ignore")  # what a check provokes is its own affair
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def shop():
    """A DataFrame of all kinds of columns, with values missing, and the cluster of each row."""
    rng = np.random.default_rng(0)
    cluster = rng.integers(3, size=90)
    frame = pd.DataFrame(
        {
            "size": rng.normal(4 * cluster, 1),
            "colour": np.array(["red", "green", "blue"])[cluster],
            "open": rng.random(90) < cluster / 2,
            "visits": rng.poisson(10.0 ** (cluster + 1)),
            "country": "here",
        }
    )
    frame.loc[3, "size"], frame.loc[5, "colour"] = np.nan, None
    return frame, cluster


@pytest.fixture(scope="module")
def fitted(shop):
    return GMVAEClusterer(3, max_steps=60, random_state=0).fit(shop[0])


def test_columns_of_all_kinds_in(shop, fitted):
    frame, cluster = shop
    assert adjusted_rand_score(cluster, fitted.labels_) > 0.9
    assert [column.kind for column in fitted.columns_.columns] == ["real", "category", "yes_no", "real"]
    assert fitted.feature_names_in_.tolist() == list(frame) and fitted.n_features_in_ == 5
    assert "country" not in fitted.columns_.names  # it tells nothing
    np.testing.assert_allclose(fitted.predict_proba(frame).sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(fitted.predict(frame), fitted.labels_)


def test_columns_are_known_by_their_names_whatever_package_holds_them(shop, fitted):
    frame, _ = shop
    expected = fitted.predict_proba(frame)
    for same in (frame[frame.columns[::-1]], frame.assign(more=1), pa.Table.from_pandas(frame)):
        assert np.array_equal(fitted.predict_proba(same), expected)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert np.array_equal(fitted.predict_proba(frame.to_numpy()), expected)
    with pytest.raises(InputError, match="lacks the column 'size'"):
        fitted.predict(frame.drop(columns="size"))


def test_features_have_names_and_come_out_as_a_dataframe(shop, fitted):
    frame, _ = shop
    names = fitted.get_feature_names_out().tolist()
    assert names == [f"gmvaeclusterer{number}" for number in range(4)]
    fitted.set_output(transform="pandas")
    found = fitted.transform(frame.iloc[5:9])
    fitted.set_output(transform="default")
    assert list(found) == names and found.index.tolist() == [5, 6, 7, 8]
    np.testing.assert_array_equal(found, fitted.transform(frame)[5:9])


@pytest.mark.parametrize("value", [1e18, 1e25, -3e38])
def test_what_lies_farthest_has_a_cluster_and_is_the_least_likely(shop, fitted, value):
    far = shop[0].iloc[:5].assign(size=value)
    np.testing.assert_allclose(fitted.predict_proba(far).sum(axis=1), 1, atol=1e-5)
    assert (fitted.score_samples(far) < fitted.score_samples(shop[0]).min()).all()


@pytest.mark.parametrize("count", [2, *(pytest.param(count, marks=pytest.mark.slow) for count in (3, 4))])
def test_a_few_rows_are_enough(count):
    found = GMVAEClusterer(2, max_steps=2, random_state=0).fit(load_wine().data[:count])
    assert found.labels_.shape == (count,) and np.isfinite(found.score_samples(load_wine().data)).all()


def test_the_elbo_is_that_of_the_model_and_marks_the_unusual(shop, fitted):
    frame, _ = shop
    scores = fitted.score_samples(frame)
    assert fitted.score(frame) == pytest.approx(scores.mean())
    # The same estimate from other noise, many times.
    numbers = fitted.columns_.numbers(tf_gmvae.data.table.as_table(frame))
    of_model = np.mean([fitted.model_.score(np.repeat(numbers, 50, axis=0)).elbo.reshape(90, 50).mean(axis=1)])
    assert fitted.score(frame) == pytest.approx(of_model, abs=0.5)
    assert fitted.score_samples(frame.assign(size=100.0)).max() < scores.min()


def test_new_rows_look_like_those_of_fit(shop, fitted):
    rows, clusters = fitted.sample(200)
    assert isinstance(rows, pd.DataFrame) and list(rows) == list(fitted.columns_.names)
    assert set(rows["colour"]) == {"red", "green", "blue"} and set(clusters) == {0, 1, 2}
    assert (
        adjusted_rand_score(fitted.predict(rows.assign(country="here")), clusters) > 0.3
    )  # of so brief a training
    assert rows["open"].dtype == bool and (rows["size"].dtype, rows["colour"].dtype.kind) == ("float32", "O")
    again, _ = fitted.sample(200)
    assert rows.equals(again)
    with pytest.raises(InputError, match="n_samples"):
        fitted.sample(0)


def test_a_copy_and_a_pickle_answer_alike(shop, fitted):
    expected = fitted.predict_proba(shop[0])
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(other.predict_proba(shop[0]), expected)
        assert np.array_equal(other.labels_, fitted.labels_)


def test_a_category_that_was_not_in_fit_is_said_once_a_call(shop, fitted, caplog):
    frame, _ = shop
    new = frame.iloc[:8].assign(colour=["grey", "pink", "red", "grey", "blue", None, "", "NA"], open=5)
    for ask in (fitted.predict, fitted.score_samples, lambda rows: fitted.model_.predict(rows, verbose=0)):
        caplog.clear()
        ask(new)
        assert {record.levelname for record in caplog.records} == {"WARNING"}
        assert caplog.messages == [
            f"the table: column {name!r} holds what it did not in training, as {level!r} in row 0: it counts as "
            f"missing, {times} times."
            for name, level, times in (("colour", "grey", 3), ("open", "5", 8))
        ]
    caplog.clear()
    with pytest.warns(UserWarning):
        fitted.predict(new.to_numpy())
    assert len(caplog.records) == 2
    caplog.clear()
    fitted.predict(frame)
    assert not caplog.records


def test_a_fit_that_fails_leaves_the_one_before_it_whole(shop, fitted, monkeypatch):
    frame, _ = shop
    again, expected = copy.deepcopy(fitted), fitted.score_samples(frame)
    others = frame[frame.columns[::-1]].assign(colour="red", more=range(90))
    for refused in (others.iloc[:2], np.zeros((5, 2)), frame.iloc[:1]):
        with pytest.raises(InputError):
            again.fit(refused)
    with monkeypatch.context() as interrupted, pytest.raises(KeyboardInterrupt):
        interrupted.setattr(tf_gmvae.GMVAE, "initialize", lambda *_, **__: signal.raise_signal(signal.SIGINT))
        again.fit(others)
    assert vars(again).keys() == vars(fitted).keys() and list(again.feature_names_in_) == list(frame)
    assert np.array_equal(again.score_samples(frame), expected)
    assert again.sample(5)[0].equals(fitted.sample(5)[0])


@pytest.mark.slow
def test_the_same_random_state_gives_the_same_result():
    iris = load_iris().data
    one, same, other = (GMVAEClusterer(3, max_steps=5, random_state=seed).fit(iris) for seed in (1, 1, 2))
    assert np.array_equal(one.predict_proba(iris), same.predict_proba(iris))
    assert not np.array_equal(one.predict_proba(iris), other.predict_proba(iris))


@pytest.mark.slow
def test_a_pipeline_is_searched_for_its_parameters():
    iris = load_iris().data
    pipeline = make_pipeline(StandardScaler(), GMVAEClusterer(max_steps=1, random_state=0))
    search = GridSearchCV(pipeline, {"gmvaeclusterer__n_clusters": [3]}, cv=2, error_score="raise")
    search.fit(iris)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(iris).shape == (150,)


def test_images_go_in_as_they_are():
    images = tf_gmvae.data.load("digits").train.examples[:100, ..., 0]
    found = GMVAEClusterer(2, max_steps=2, random_state=0).fit(images)
    assert found.columns_ is None and found.transform(images[:3]).shape == (3, 32)
    rows, _ = found.sample(2)
    assert rows.shape == (2, 8, 8)  # as they went in
    assert np.array_equal(found.predict(images[..., None]), found.labels_)
    first = np.moveaxis(images[..., None], 3, 1)
    for others, message in (
        (images[:, :7], r"\(7, 8, 1\) do not fit"), (images.reshape(100, 64), "reshape the data"),
        (first, r"x\.transpose\(0, 2, 3, 1\)"), ([[[1.0]], [[1.0, 2.0]]], "resize images"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            found.predict(others)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_clusters": 0}, "`n_clusters` must be an integer >= 1"),
        ({"n_clusters": 151}, "150 examples"),
        ({"latent_dim": 0}, "`latent_dim` must be an integer >= 1"),
        ({"hold": -1}, "`hold` must be a number of nats >= 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be a number above 0"),
        ({"learning_rate": "0.1"}, "`learning_rate` must be a number above 0"),
        ({"max_steps": 0}, "`max_steps` must be"),
        ({"kinds": {"a": "real"}}, "`kinds` goes by the names"),
        ({"random_state": -1}, "`random_state` must be"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        GMVAEClusterer(**arguments).fit(load_iris().data)


def test_rows_that_cannot_be_clustered_are_refused(shop):
    frame, _ = shop
    with pytest.raises(InputError, match="1 row"):
        BRIEF.fit(frame.iloc[:1])
    for names, message in ((["a", "a"], "the column 'a' twice"), ([0, "a"], r"data\.rename\(columns=str\)")):
        with pytest.raises(InputError, match=message):
            BRIEF.fit(pd.DataFrame(np.eye(4)[:, :2], columns=names))
    with pytest.raises(NotFittedError):
        GMVAEClusterer().predict(frame)


def test_arrays_that_do_not_go_with_the_table_of_fit_are_named(shop, fitted):
    frame, _ = shop
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="X has 4 features, but .* is expecting 5"):
        fitted.predict(frame.to_numpy()[:, :4])
    lists = frame.assign(more=[[1.0, 2.0]] * len(frame))
    of_lists = GMVAEClusterer(3, max_steps=1, random_state=0).fit(lists)
    with pytest.warns(UserWarning), pytest.raises(InputError, match="a table of 7 columns in fit, 'size', "):
        of_lists.predict(lists.to_numpy())
    with pytest.raises(InputError, match="There is no example"):
        fitted.predict(frame.iloc[:0])
    nullable = frame.assign(size=frame["size"].round().astype("Int64"))
    with pytest.warns(UserWarning):
        assert np.array_equal(fitted.predict(nullable.to_numpy()), fitted.predict(nullable))


def test_an_array_is_read_as_the_table_of_fit_was():
    rng = np.random.default_rng(0)
    days = pd.DataFrame({name: pd.date_range("2024-01-01", periods=40)[rng.permutation(40)] for name in "ab"})
    mixed = days.assign(b=days["b"].dt.tz_localize("Europe/Berlin"), c=rng.normal(size=40), d=["k", "l"] * 20)
    mixed.loc[3, ["a", "d"]] = pd.NaT, None
    for name, read in as_table(arrays.with_names(days.to_numpy(), ["a", "b"])).items():  # datetime64 as a whole
        np.testing.assert_array_equal(read, as_table(days)[name])
    fitted = GMVAEClusterer(2, max_steps=1, random_state=0).fit(mixed)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert np.array_equal(fitted.predict_proba(mixed.to_numpy()), fitted.predict_proba(mixed))
    several_types = mixed.astype({"d": object}).to_numpy()
    several_types[0, 3] = 5  # no level, but no reason to refuse the others
    with pytest.warns(UserWarning):
        answers = fitted.predict_proba(several_types)
    assert np.array_equal(answers[1:], fitted.predict_proba(mixed)[1:])


def test_arrays_of_objects_are_numbers_or_are_told_what_takes_texts():
    numbers = np.random.default_rng(0).normal(size=(40, 2))
    numbers[::7] = np.nan
    fitted = GMVAEClusterer(2, max_steps=1, random_state=0)
    for absent in (None, pd.NA):
        objects = np.where(np.isnan(numbers), absent, numbers.astype(object))
        assert np.array_equal(as_dataset(objects).train.examples, numbers.astype("float32"), equal_nan=True)
        assert len(tf_gmvae.GMVAE.for_table(objects, num_components=2, seed=0).likelihood.columns) == 2
    assert np.array_equal(fitted.fit(objects).predict_proba(objects), fitted.predict_proba(numbers))
    for texts in (np.array([["1.5", "x"], ["2", "3"]]), np.array([[1.5, "x"], [None, 3]], object)):
        for refused in (GMVAEClusterer(2).fit, fitted.predict):
            with pytest.raises(InputError, match=r"the text 'x' in it: pass a DataFrame.*set_output"):
                refused(texts)


@pytest.mark.slow
def test_units_masks_and_numpy_integers_make_no_difference():
    rng = np.random.default_rng(0)
    cluster = rng.integers(3, size=300)
    rows = (rng.normal(size=(300, 4)) + 6 * cluster[:, None]) * [1e-9, 1.0, 1e9, 1e-7]
    rows = np.column_stack([rows, 1.7e12 + rng.uniform(0, 3.6e6, 300)])  # milliseconds of an hour
    hidden = rng.random(rows.shape) < 0.1
    masked = np.ma.masked_array(np.where(hidden, -999.0, rows), hidden)
    estimator = GMVAEClusterer(3, max_steps=np.int64(40), hold=np.int64(10), random_state=np.int64(1))
    assert adjusted_rand_score(cluster, estimator.fit(masked).labels_) > 0.95
    with pytest.raises(InputError, match="`kinds` goes by the names"):
        tf_gmvae.GMVAE.for_table(rows, kinds={"column_0": "category"})
    with pytest.raises(InputError, match=r"Pass data\.toarray\(\)"):
        tf_gmvae.GMVAE.for_table(scipy.sparse.eye(6))
    columns = tf_gmvae.GMVAE.for_table(masked, num_components=2, seed=np.int64(0)).likelihood.columns.columns
    assert [each.center[0] for each in columns] == pytest.approx(masked.mean(axis=0).tolist(), rel=1e-5)


@pytest.mark.parametrize("most", [pytest.param(3, marks=pytest.mark.slow), 50])
def test_epochs_are_as_many_as_are_allowed(most, monkeypatch):
    asked = {}

    def fit(self, *arguments, **given):
        asked.update(given)

    monkeypatch.setattr(tf_gmvae.GMVAE, "fit", fit)
    monkeypatch.setattr(initialization, "LEAST_STEPS", 1)
    GMVAEClusterer(2, max_epochs=most, random_state=0).fit(load_iris().data)
    assert asked["epochs"] == most


def test_an_empty_column_of_an_array_does_no_harm():
    rows = np.c_[load_iris().data, np.full(150, np.nan)]
    found = GMVAEClusterer(3, max_steps=2, random_state=0).fit(rows)
    assert np.isfinite(found.score_samples(rows)).all()


@pytest.mark.slow
def test_without_a_random_state_each_fit_has_a_seed_and_a_model_that_is_gone_is_gone():
    """A search fits a hundred times."""
    estimator, models, drawn = GMVAEClusterer(3, max_steps=1), [], []
    for _ in range(2):
        fitted = estimator.fit(load_iris().data).model_
        drawn.append(fitted.seed)
        models.append(weakref.ref(fitted))
    del fitted
    gc.collect()
    assert [model() is None for model in models] == [True, False]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    "names",
    [[0, 1, 2, 3], [unicodedata.normalize("NFD", name) for name in "äöüß"], ["\u00e4", "a\u0308", "x", "y"]],
)
def test_new_rows_have_the_names_of_the_frame(names):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=names[:3])
    frame[names[3]] = 1.0
    fitted = GMVAEClusterer(2, max_steps=1, random_state=0).fit(frame)
    rows, _ = fitted.sample(5)
    assert list(rows.columns) == names[:3] and rows.shape == (5, 3)  # what is the same in all tells nothing
    fitted._labels = {str(label): label for label in frame}  # as earlier versions pickled them
    assert list(fitted.sample(5)[0].columns) == names[:3]
    np.testing.assert_array_equal(fitted.predict(frame.to_numpy()), fitted.predict(frame))


@pytest.mark.parametrize(
    "package", ["pandas", *(pytest.param(each, marks=pytest.mark.slow) for each in ("polars", "pyarrow"))]
)
def test_new_rows_have_the_types_of_the_frame(package):
    rng = np.random.default_rng(0)
    when = pd.date_range("2024-01-01", periods=40)[rng.permutation(40)]
    frame = pd.DataFrame(
        {
            "when": when,
            "there": when.tz_localize("Europe/Berlin"),
            "text": when.strftime("%Y-%m-%d"),
            "one_of_two": np.where(rng.random(40) < 0.5, when.min(), when.max()),
            "sure": rng.random(40) < 0.5,
            "perhaps": pd.array([True, False, None, False] * 10, "boolean"),
            "zero_or_one": rng.integers(2, size=40),
            "class": np.array([3, 5, 9])[rng.integers(3, size=40)],
            "answer": np.array(["true", "false"])[rng.integers(2, size=40)],
            "x": rng.normal(size=40),
        }
    )
    given = {"pandas": lambda: frame, "polars": lambda: pl.from_pandas(frame),
             "pyarrow": lambda: pa.Table.from_pandas(frame)}[package]()  # fmt: skip
    fitted = GMVAEClusterer(2, kinds={"class": "category"}, max_steps=1, random_state=0).fit(given)
    drawn, _ = fitted.sample(200)
    rows = pa.table(drawn) if package != "pandas" else pa.Table.from_pandas(drawn)
    read = as_table(rows)
    kinds = {"when": "f", "there": "f", "text": "f", "one_of_two": "f", "sure": "b", "perhaps": "b",
             "zero_or_one": "i", "class": "i", "answer": "O", "x": "f"}  # fmt: skip
    assert {name: values.dtype.kind for name, values in read.items()} == kinds
    assert [name for name, values in read.items() if isinstance(values, Days)] == [*kinds][:4]
    assert set(rows["class"].to_pylist()) == {3, 5, 9} and set(rows["sure"].to_pylist()) == {True, False}
    assert set(rows["one_of_two"].to_pylist()) == {when.min(), when.max()}
    numbers = fitted.columns_.numbers(known_columns(lambda *how: as_table(drawn, "new", *how), fitted.columns_))
    days = fitted.columns_.names.index("when")
    assert not np.isnan(numbers).any() and abs(np.median(numbers[:, days]) - 19743) < 60
    del fitted._types  # as earlier versions pickled them
    assert fitted.sample(3)[0].shape == (3, 10)


@pytest.mark.slow
def test_many_fits_come_without_advice_on_retracing():
    process = run_python(
        "-c",
        """
from sklearn.datasets import load_iris
from tf_gmvae import GMVAEClusterer
for _ in range(7):
    GMVAEClusterer(3, max_steps=11, random_state=0).fit(load_iris().data)
""",
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert "retracing" not in process.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "num_clusters", "least"), [(load_wine, 3, 0.88), (load_iris, 3, 0.85), (load_breast_cancer, 2, 0.68)]
)
def test_the_defaults_find_the_classes(load, num_clusters, least, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(agreement, "SAMPLES", ALL_SAMPLES)
    data = load(as_frame=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = GMVAEClusterer(num_clusters, random_state=0).fit_predict(data.data)
    assert adjusted_rand_score(data.target, found) > least
