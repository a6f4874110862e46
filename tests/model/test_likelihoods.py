"""Likelihoods against SciPy and TensorFlow Probability."""

import math

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf

import tf_gmvae
from layers.bounds import bounded_log
from tf_gmvae import InputError, likelihoods
from tf_gmvae.distributions import tfd
from tf_gmvae.optimizer import FusedAdam

SAMPLES, BATCH, SHAPE = 3, 4, (2, 5, 3)  # M, B and (H, W, C)


def continuous_bernoulli_logpdf(values, logits):
    """Its density is proportional to exp(l y) on [0, 1]: an exponential cut off at 1, mirrored for l > 0."""
    values, logits = np.broadcast_arrays(values, np.asarray(logits, "float64"))
    rate = np.maximum(np.abs(logits), 1e-9)
    mirrored = np.where(logits > 0.0, 1.0 - values, values)
    return scipy.stats.truncexpon.logpdf(mirrored, b=rate, scale=1.0 / rate)


def bernoulli_logpdf(values, logits):
    return values * np.log(scipy.special.expit(logits)) + (1.0 - values) * np.log(scipy.special.expit(-logits))


def gaussian_logpdf(values, params):
    # The last axis holds the C means, then the C log-variances.
    channels = values.shape[-1]
    return scipy.stats.norm.logpdf(values, params[..., :channels], np.exp(0.5 * params[..., channels:]))


def poisson_logpmf(values, log_rates):
    return scipy.stats.poisson.logpmf(values, np.exp(log_rates))


UNIFORM = np.random.default_rng(0).uniform(size=(BATCH, *SHAPE))
NORMAL = np.random.default_rng(1).normal(1.0, 2.0, size=(BATCH, *SHAPE))
COUNTS = np.random.default_rng(2).poisson(2.0, size=(BATCH, *SHAPE)).astype("float64")
# name: (data, parameters a value takes, log-probability of every value in float64)
CASES = {
    "bernoulli": (UNIFORM, 1, bernoulli_logpdf),
    "continuous_bernoulli": (UNIFORM, 1, continuous_bernoulli_logpdf),
    "gaussian": (NORMAL, 2, gaussian_logpdf),
    "unit_gaussian": (NORMAL, 1, scipy.stats.norm.logpdf),
    "poisson": (COUNTS, 1, poisson_logpmf),
}


def params_of(name, seed=3):
    channels = CASES[name][1] * SHAPE[-1]
    return np.random.default_rng(seed).normal(0.0, 1.5, size=(SAMPLES, BATCH, *SHAPE[:-1], channels))


def as_float32(value):
    return tf.constant(value, "float32")


def test_every_registered_likelihood_is_tested():
    assert set(CASES) == set(likelihoods.LIKELIHOODS)


@pytest.mark.parametrize("name", CASES)
def test_attributes(name):
    likelihood = likelihoods.get(name)
    assert likelihood.name == name
    assert likelihood.num_parameters == CASES[name][1]
    samples = likelihood.distribution(as_float32(params_of(name)[0])).sample(20, seed=4).numpy()
    assert samples.dtype == "float32"  # as the data are, whole numbers too
    low, high = likelihood.support
    assert low <= samples.min() and samples.max() <= high
    # The bounds are tight: every likelihood without one reaches beyond the other kinds' supports.
    assert (samples.min() < 0.0) == (low == -math.inf)
    assert (samples.max() > 1.0) == (high == math.inf)


@pytest.mark.parametrize("name", CASES)
def test_value_log_prob_equals_scipy(name):
    data, _, reference = CASES[name]
    params = params_of(name)
    actual = likelihoods.get(name).value_log_prob(as_float32(data), as_float32(params))
    assert actual.shape == (SAMPLES, BATCH, *SHAPE)
    np.testing.assert_allclose(actual, reference(data, params), rtol=1e-4, atol=2e-5)


def test_counts_of_a_million_have_their_poisson_probability():
    """Its terms are of millions, and what is sought is small."""
    counts = np.array([[[[0.0, 3.0, 20_000.0, 1_000_000.0]]]])
    log_rates = np.log(np.maximum(counts[None], 1.0)).astype("f4") + np.float32(1e-3)
    actual = likelihoods.get("poisson").value_log_prob(as_float32(counts), tf.constant(log_rates))
    rates = np.exp(bounded_log(log_rates).numpy().astype("f8"))
    np.testing.assert_allclose(actual, scipy.stats.poisson.logpmf(counts, rates), rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_log_prob_sums_each_example_of_each_sample(name):
    data, _, reference = CASES[name]
    params = params_of(name)
    actual = likelihoods.get(name).log_prob(as_float32(data), as_float32(params))
    assert actual.shape == (SAMPLES, BATCH)
    for j in range(SAMPLES):
        for b in range(BATCH):
            np.testing.assert_allclose(actual[j, b], reference(data[b], params[j, b]).sum(), rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_log_prob_of_tables(name):
    data, num_parameters, reference = CASES[name]
    data = data[:, 0, 0]  # (B, C)
    params = np.random.default_rng(5).normal(size=(2, BATCH, num_parameters * SHAPE[-1]))
    actual = likelihoods.get(name).log_prob(as_float32(data), as_float32(params))
    assert actual.shape == (2, BATCH)
    np.testing.assert_allclose(actual, reference(data, params).sum(axis=-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_distribution_is_the_same_as_the_likelihood(name):
    data, likelihood = as_float32(CASES[name][0]), likelihoods.get(name)
    params = as_float32(params_of(name))
    log_prob = likelihood.log_prob(data, params)
    for j in range(SAMPLES):
        distribution = likelihood.distribution(params[j])
        assert distribution.batch_shape == (BATCH,)
        assert distribution.event_shape == SHAPE
        np.testing.assert_allclose(distribution.log_prob(data), log_prob[j], rtol=1e-4)
        np.testing.assert_allclose(distribution.mean(), likelihood.mean(params[j]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_mean_equals_the_mean_of_samples(name):
    likelihood, params = likelihoods.get(name), as_float32(params_of(name)[0, :1])
    samples = likelihood.distribution(params).sample(20_000, seed=6).numpy()[:, 0]
    mean = likelihood.mean(params).numpy()[0]
    assert mean.shape == SHAPE
    error = samples.std(axis=0) / math.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - mean) < 5.0 * error + 1e-4).all()


CONTINUOUS = likelihoods.get("continuous_bernoulli")
SWITCH = CONTINUOUS.series_below
# Both sides of the switch between series and closed form, and the singular point itself.
NEAR_ZERO = [0.0, 1e-7, -1e-7, 1e-4, -1e-4, 0.05, *(sign * SWITCH * f for sign in (-1, 1) for f in (0.999, 1.001))]
LOGITS = [-8.0, -3.0, -0.5, *NEAR_ZERO, 0.7, 2.0, 8.0]


def numerical_mean(logit):
    """The mean of the density proportional to exp(l y), by quadrature."""
    return scipy.integrate.quad(lambda y: y * math.exp(continuous_bernoulli_logpdf(y, logit)), 0.0, 1.0)[0]


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_one(logit):
    def density(y):
        return math.exp(CONTINUOUS.value_log_prob(as_float32(y), as_float32(logit)))

    # Float32 densities are steps to the quadrature: its default precision would be searched for in vain.
    total, _ = scipy.integrate.quad(density, 0.0, 1.0, epsabs=1e-5, epsrel=1e-5)
    assert total == pytest.approx(1.0, abs=2e-5)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_mean_equals_quadrature(logit):
    assert float(CONTINUOUS.mean(as_float32(logit))) == pytest.approx(numerical_mean(logit), abs=1e-5)


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_continuous_bernoulli_gradients(logit, value):
    # d log p / d l = y - mean for an exponential family, and d mean / d l = variance.
    point = as_float32(logit)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point)
        log_prob, mean = CONTINUOUS.value_log_prob(as_float32(value), point), CONTINUOUS.mean(point)
    expected = numerical_mean(logit)
    assert float(tape.gradient(log_prob, point)) == pytest.approx(value - expected, abs=1e-4)
    step = 1e-3
    slope = (numerical_mean(logit + step) - numerical_mean(logit - step)) / (2.0 * step)
    assert float(tape.gradient(mean, point)) == pytest.approx(slope, abs=5e-4)


@pytest.mark.parametrize("name", ["bernoulli", "continuous_bernoulli"])
@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_extreme_logits_stay_finite(name, logit):
    values, point = as_float32([0.0, 0.25, 1.0]), as_float32([logit] * 3)
    with tf.GradientTape() as tape:
        tape.watch(point)
        log_prob = likelihoods.get(name).value_log_prob(values, point)
    # log(1 + e^l) is max(l, 0) to float32; the normaliser l / tanh(l / 2) is |l|.
    expected = np.array([0.0, 0.25, 1.0]) * logit - max(logit, 0.0)
    mean = float(logit > 0.0)
    if name == "continuous_bernoulli":
        expected += math.log(abs(logit))
        mean -= 1.0 / logit  # 1 / (1 - e^-l) - 1 / l
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    np.testing.assert_allclose(likelihoods.get(name).mean(point), [mean] * 3, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(log_prob, point), values - mean, atol=1e-6)


@pytest.mark.parametrize("name", ["gamma", "Bernoulli", "", None])
def test_unknown_name(name):
    with pytest.raises(InputError, match=f"bernoulli, .*poisson.*Received: likelihood={name!r}"):
        likelihoods.get(name)


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
@pytest.mark.parametrize("value", [-100.0, -1e-3, 0.0, 1e-3, 60.0])
def test_means_have_finite_gradients(name, value):
    likelihood = likelihoods.get(name)
    params = tf.Variable(tf.fill((1, 1, 2 * likelihood.num_parameters), value))
    with tf.GradientTape() as tape:
        mean = likelihood.mean(params)
    assert np.isfinite(tape.gradient(mean, params)).all()


def test_continuous_bernoulli_mean_has_the_gradient_of_its_tail():
    # For l -> -inf the mean is -1 / l, so its slope is 1 / l^2.
    logit = tf.Variable(-100.0)
    with tf.GradientTape() as tape:
        mean = likelihoods.get("continuous_bernoulli").mean(logit)
    np.testing.assert_allclose(tape.gradient(mean, logit), 1e-4, rtol=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Laplace(likelihoods.Likelihood):
    """A likelihood of a user's own, with an argument."""

    name = "laplace"

    def __init__(self, scale=1.0):
        self.scale = scale

    def value_log_prob(self, inputs, params):
        return -tf.abs(inputs - params) / self.scale - math.log(2 * self.scale)

    def mean(self, params):
        return params

    def independent_values(self, params):
        return tfd().Laplace(params, self.scale)

    def get_config(self):
        return {"scale": self.scale}


def test_a_likelihood_of_the_users_own_trains_saves_loads_and_exports(table, tmp_path):
    encoder = keras.Sequential([keras.layers.Dense(8, "relu")])
    decoder = keras.Sequential([keras.layers.Dense(6)])
    model = tf_gmvae.GMVAE(
        encoder,
        decoder,
        latent_dim=2,
        style_dim=2,
        num_components=3,
        likelihood=Laplace(0.5),
        prior_units=(4,),
        seed=0,
    )
    model.compile(FusedAdam(1e-2))
    history = model.fit(table, epochs=3, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (type(loaded.likelihood), loaded.likelihood.scale) == (Laplace, 0.5)
    np.testing.assert_allclose(loaded.score(table).elbo, model.score(table).elbo, rtol=1e-5)
    folder = tf_gmvae.export(model, tmp_path / "served")
    served = tf.saved_model.load(folder).signatures["cluster"](examples=tf.constant(table))
    np.testing.assert_allclose(served["posterior"], model.predict(table, verbose=0), atol=1e-5)
    assert "laplace" in (folder / "model_card.md").read_text()
