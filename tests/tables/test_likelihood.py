"""p(y | x) of rows of several kinds against SciPy, and models of tables as a whole."""

from dataclasses import asdict

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from layers import ColumnFeatures
from layers.bounds import bounded_log
from tf_gmvae import GMVAE, InputError
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.start import initialization
from tf_gmvae.tables.columns import Column, Columns
from tf_gmvae.tables.describing import describe
from tf_gmvae.tables.likelihood import ColumnsLikelihood

# Of all kinds, those of a kind not side by side.
COLUMNS = Columns(
    (
        Column("hue", "category", ("a", "b", "c"), (0.5, 0.3, 0.2), 0.8),
        Column("long", "real", (), (100.0,), 20.0),
        Column("often", "count", (), (1.5,), 0.7),
        Column("kept", "yes_no", ("no", "yes"), (0.25,), 0.4),
        Column("wide", "real", (), (-1.0,), 0.1),
        Column("form", "category", ("x", "y"), (0.5, 0.5), 0.7),
    )
)
ROWS = np.array(
    [[2, 130, 7, 1, -1.05, 0], [np.nan, np.nan, 0, np.nan, -0.8, 5], [0, 90, np.nan, 0, np.nan, 1]], "f4"
)
# Of the decoder: means of long and wide, their log-variances, log-mean and log-size of often, logit of kept, the
# rest.
PARAMS = np.array([[[0.5, -0.3, -1.0, 0.2, 0.4, 1.1, 0.7, 0.1, -0.2, 0.9, 1.5, -0.5]] * 3], "f4")


def log_softmax(values):
    return np.log(np.exp(values) / np.exp(values).sum())


def test_every_column_has_the_probability_of_its_kind():
    values = ColumnsLikelihood(COLUMNS).value_log_prob(ROWS, PARAMS).numpy()[0]
    own = PARAMS[0, 0].astype("f8")
    deviations = [np.sqrt(np.exp(own[2]) + 0.01) * 20, np.sqrt(np.exp(own[3]) + 0.01) * 0.1]
    mean, size = np.exp(1.5 + 0.7 * own[4]), np.exp(own[5])
    expected = [
        [
            log_softmax(own[7:10])[2],
            stats.norm.logpdf(130, 100 + 20 * own[0], deviations[0]),
            stats.nbinom.logpmf(7, size, size / (size + mean)),
            stats.bernoulli.logpmf(1, 1 / (1 + np.exp(-own[6]))),
            stats.norm.logpdf(-1.05, -1 + 0.1 * own[1], deviations[1]),
            log_softmax(own[10:])[0],
        ],
        [0, 0, stats.nbinom.logpmf(0, size, size / (size + mean)), 0,
         stats.norm.logpdf(-0.8, -1 + 0.1 * own[1], deviations[1]), 0],
        [log_softmax(own[7:10])[0], stats.norm.logpdf(90, 100 + 20 * own[0], deviations[0]), 0,
         stats.bernoulli.logpmf(0, 1 / (1 + np.exp(-own[6]))), 0, log_softmax(own[10:])[1]],
    ]  # fmt: skip
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=1e-5)
    summed = ColumnsLikelihood(COLUMNS).log_prob(ROWS, PARAMS).numpy()
    np.testing.assert_allclose(summed, [np.sum(expected, axis=1)], rtol=2e-5)


@pytest.mark.parametrize("largest", [9, 10_000, 100_000_000])
def test_counts_of_any_size_have_their_probability_and_its_slope(largest):
    """Also where they vary as Poisson's do: lgamma is of millions then, and what is sought is small."""
    counts = np.unique(np.round(np.geomspace(1, largest + 1, 40)) - 1)
    described, _ = describe({"n": counts}, {"n": "count"})
    (column,), likelihood = described.columns, ColumnsLikelihood(described)
    for about, log_size in ((largest / 3, 1.0), (largest, 8.0), (largest / 3, 10.0), (largest, 14.0)):
        own = np.array([(np.log(about) - column.center[0]) / column.scale, log_size], "f4")
        params = tf.Variable(np.tile(own, (1, len(counts), 1)))
        with tf.GradientTape() as tape:
            values = likelihood.value_log_prob(counts[:, None].astype("f4"), params)
        log_mean = float(np.float32(column.center[0]) + np.float32(column.scale) * own[0])
        mean, size = np.exp(log_mean), np.exp(float(bounded_log(np.float32(log_size))))
        assert likelihood.mean(params).numpy()[0, 0, 0] == pytest.approx(mean, rel=1e-5)
        expected = stats.nbinom.logpmf(counts, size, size / (size + mean))
        np.testing.assert_allclose(values[0, :, 0], expected, rtol=1e-5, atol=1e-6)
        if log_size <= 10:  # where the bound is the identity
            slope = special.digamma(counts + size) - special.digamma(size) - np.log1p(mean / size)
            slope = size * (slope + (mean - counts) / (size + mean))
            found = tape.gradient(values, params).numpy()[0, :, 1]
            np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max())


def test_counts_that_an_earlier_version_described_are_bounded_as_they_were():
    """Their models were trained so."""
    config = [asdict(Column("n", "count", (), (14.0,), 2.0, largest=18.0))]
    params = np.array([[[2.0, 0.0]]], "f4")
    assert ColumnsLikelihood(config).mean(params).numpy() == pytest.approx(np.exp(18), rel=1e-5)
    del config[0]["largest"]
    assert ColumnsLikelihood(config).mean(params).numpy() == pytest.approx(
        np.exp(10 + 5 * np.tanh(8 / 5)), rel=1e-5
    )


def test_a_number_that_its_kind_does_not_have_is_missing():
    rows = np.array([[3, 130, -1, 2, -1.05, 0], [-1, 90, -0.5, -1, -0.8, 1], [0.5, 100, 1, 1, -1, 0]], "f4")
    values = ColumnsLikelihood(COLUMNS).value_log_prob(rows, PARAMS).numpy()[0]
    there = [[False, True, False, False, True, True]] * 2 + [[False, *[True] * 5]]
    np.testing.assert_array_equal(values != 0, there)


def test_missing_values_have_no_gradient_and_no_nan():
    params = tf.Variable(PARAMS)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(ColumnsLikelihood(COLUMNS).log_prob(ROWS, params))
    gradient = tape.gradient(value, params).numpy()[0]
    assert np.isfinite(gradient).all()
    assert (gradient[1, [0, 2, 6, 7, 8, 9, 10, 11]] == 0).all()
    assert (gradient[0] != 0).all()


def test_extreme_outputs_stay_finite():
    for factor in (-1e4, 1e4):
        value = ColumnsLikelihood(COLUMNS).log_prob(ROWS, PARAMS * factor).numpy()
        assert np.isfinite(value).all()


def test_means_are_in_the_units_of_the_columns():
    mean = ColumnsLikelihood(COLUMNS).mean(PARAMS[0]).numpy()[0]
    expected = [2, 110, np.exp(1.5 + 0.28), 1 / (1 + np.exp(-0.7)), -1.03, 0]
    np.testing.assert_allclose(mean, expected, rtol=1e-5)


def test_the_distribution_draws_rows_and_agrees_with_the_log_probability():
    likelihood = ColumnsLikelihood(COLUMNS)
    distribution = likelihood.distribution(PARAMS[0])
    drawn = distribution.sample(4000, seed=1).numpy()
    assert drawn.shape == (4000, 3, 6)
    assert set(np.unique(drawn[..., 0])) == {0, 1, 2}
    assert drawn[:, 0, 1].mean() == pytest.approx(110, abs=1.0)
    assert drawn[:, 0, 2].mean() == pytest.approx(np.exp(1.78), rel=0.05)
    assert drawn[:, 0, 3].mean() == pytest.approx(1 / (1 + np.exp(-0.7)), abs=0.03)
    rows = drawn[0]
    np.testing.assert_allclose(
        distribution.log_prob(rows).numpy(), likelihood.log_prob(rows, PARAMS).numpy()[0], rtol=1e-4
    )


def test_features_are_standardised_and_finite():
    layer = ColumnsLikelihood(COLUMNS).features()
    features = layer(ROWS).numpy()
    assert features.shape == layer.compute_output_shape((3, 6)) == (3, 9)
    scalar = [[1.5, (np.log(8) - 1.5) / 0.7, 0.75 / 0.4, -0.5], [0, -1.5 / 0.7, 0, 2.0], [-0.5, 0, -0.25 / 0.4, 0]]
    levels = [
        [-0.5, -0.3, 0.8, 0.5 / 0.7 * 0.8, -0.5 / 0.7 * 0.8],
        [0] * 5,
        [0.5, -0.3, -0.2, -0.4 / 0.7, 0.4 / 0.7],
    ]
    expected = np.concatenate([scalar, np.array(levels) / [0.8, 0.8, 0.8, 0.8, 0.8]], axis=1)
    np.testing.assert_allclose(features[:, :7], expected[:, :7], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        features[:, 7:], [[0.5 / 0.7, -0.5 / 0.7], [0, 0], [-0.5 / 0.7, 0.5 / 0.7]], rtol=1e-5
    )
    for rows in (ROWS[:, :1], np.concatenate([ROWS, ROWS], axis=1), keras.Input((1,)), ROWS[0]):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            layer(rows)
    assert layer(ROWS[:0]).shape == (0, 9)
    for arguments, sentence in [
        ((["colour"], [[0.0]], [1.0]), "a kind"),
        (([], [], []), "for each column"),
        ((["real"], [0.0], [1.0]), "`centers` must have a list of one mean, .* for column 0, real. Received: 0.0"),
        ((["yes_no"], [[0.0, 1.0]], [1.0]), "list of one mean"),
        ((["real"], [[np.nan]], [1.0]), "a finite number"),
        ((["real", "category"], [[0.0], [None]], [1.0, 1.0]), "list of one mean a level, .* column 1, category"),
        ((["real"], [[0.0]], [0.0]), "`scales` must have a finite number above 0 for column 0. Received: 0.0"),
        ((["real"], [[0.0]], [np.nan]), "`scales`"),
        ((["real"], [[0.0]], ["1"]), "`scales`"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            ColumnFeatures(*arguments)


def mixed_rows(count):
    rng = np.random.default_rng(1)
    kind = rng.integers(3, size=count)
    rows = np.stack(
        [
            np.where(rng.random(count) < 0.9, kind, rng.integers(3, size=count)),
            rng.normal(100 + 40 * kind, 8),
            rng.poisson(np.array([1, 8, 40])[kind]),
            rng.random(count) < np.array([0.1, 0.5, 0.9])[kind],
            rng.normal(-1 + 0.3 * kind, 0.05),
            rng.integers(2, size=count),
        ],
        axis=1,
    ).astype("float32")
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows, kind


def model_of_columns(**arguments):
    likelihood = ColumnsLikelihood(COLUMNS)
    model = GMVAE.from_preset(
        "table", data_shape=(6,), likelihood=likelihood, num_components=3, seed=0, **arguments
    )
    model.compile(FusedAdam(1e-3))
    return model


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "float64"])
def test_what_lies_far_out_is_as_far_as_a_network_can_see(dtype):
    layer = ColumnFeatures(["real", "count"], [[10.0], [0.0]], [2.0, 1e-6], dtype=dtype)
    rows = np.array([[1e5, 0.0], [3e38, 3e38], [-np.inf, np.inf], [70.0, np.nan]], "float32")
    found = layer(rows)
    assert found.dtype == layer.compute_dtype
    far = np.asarray(3e4, layer.compute_dtype)
    np.testing.assert_array_equal(
        found, np.array([[far, 0], [far, far], [-far, far], [30, 0]], found.numpy().dtype)
    )


def test_numbers_that_a_yes_and_no_or_a_count_cannot_be_are_missing():
    layer = ColumnFeatures(["yes_no", "count"], [[0.25], [1.0]], [0.5, 2.0])
    rows = np.array([[2, -1], [-1, -0.5], [np.nan, np.nan], [1, 0]], "float32")
    np.testing.assert_allclose(layer(rows), [[0, 0], [0, 0], [0, 0], [1.5, -0.5]])


@pytest.mark.slow
def test_a_model_of_mixed_columns_lives_its_whole_life(tmp_path, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 50)
    rows, kind = mixed_rows(200)  # too few for a map
    model = model_of_columns()
    assert (model.latent_dim, model.style_dim) == (6, 6)
    model.initialize(rows, pretraining_epochs=1, guided_epochs=1, verbose=0)
    clusters = model.predict(rows, verbose=0).argmax(axis=1)
    purity = sum(np.bincount(kind[clusters == k]).max() for k in np.unique(clusters)) / len(kind)
    assert purity > 0.9
    history = model.fit(rows, verbose=0).history
    assert np.isfinite(history["elbo"]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.likelihood.columns == COLUMNS
    for method in ("predict", "score", "reconstruct", "embed"):
        ours, theirs = (getattr(each, method)(rows) for each in (model, loaded))
        for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.isfinite(a).all()
    generated = model.generate(50, seed=0)
    assert set(np.unique(generated[:, 0])) <= {0, 1, 2}
    assert 50 < np.median(generated[:, 1]) < 250
    assert (generated[:, 2] >= 0).all()
    assert np.isfinite(model.log_likelihood(rows[:5], num_importance_samples=5)).all()
    assert model.distributions(rows[:4]).p_y.sample(seed=0).shape == (4, 6)
    evaluated = model.evaluate(tf.data.Dataset.from_tensor_slices(rows).batch(64), verbose=0, return_dict=True)
    assert np.isfinite(list(evaluated.values())).all()


def test_infinite_values_are_refused_and_missing_ones_are_not():
    rows, _ = mixed_rows(20)
    model = model_of_columns()
    rows[3, 1] = np.inf
    with pytest.raises(InputError, match=r"The value at index \(3, 1\) is inf"):
        model.predict(rows)
    with pytest.raises(InputError, match="NaN, infinite or out of range"):
        model.predict(tf.data.Dataset.from_tensor_slices(rows).batch(8))


def test_a_model_for_an_array_and_for_a_data_frame_in_its_own_units():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {
            "income": rng.normal(5e4, 1e4, 80),
            "town": ["Ulm", "Bonn"] * 39 + [None, "Ulm"],
            "age": [30.0, np.nan] * 40,
        }
    )
    frame["age"] += rng.normal(size=80)
    model = GMVAE.for_table(frame, num_components=2, seed=0)
    model.compile()
    before = model.predict(frame, verbose=0)
    turned = frame[["town", "age", "income"]].assign(other="x")
    np.testing.assert_array_equal(model.predict(turned, verbose=0), before)
    np.testing.assert_array_equal(model.predict(polars.from_pandas(frame), verbose=0), before)
    np.testing.assert_array_equal(
        model.predict(model.likelihood.columns.numbers({n: frame[n].to_numpy() for n in frame}), verbose=0), before
    )
    with pytest.raises(InputError, match="lacks the column 'town'"):
        model.predict(frame[["age", "income"]])
    array = rng.normal(1000, 5, (60, 4))
    of_array = GMVAE.for_table(array, num_components=2, seed=0)
    assert of_array.encoder.layers[0].centers[0][0] == pytest.approx(array[:, 0].mean(), rel=1e-5)
    reconstructed = of_array.reconstruct(array)
    assert abs(reconstructed.mean() - 1000) < 20
