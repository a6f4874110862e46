"""The objective against loops, TensorFlow Probability, Monte Carlo, finite differences and identities."""

import inspect
import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp
from support import references

from tf_gmvae import gaussians, objective

TOLERANCES = {"float64": {"rtol": 1e-10, "atol": 1e-10}, "float32": {"rtol": 2e-5, "atol": 2e-5}}
INPUTS = ("log_likelihood", "x", "x_mean", "x_log_var", "w_mean", "w_log_var", "means", "log_vars")


def draw(samples=3, batch=4, components=5, dim=2, style=3, seed=0):
    """Arguments of `elbo_terms`, by name; no two axes are of one size, so that a swapped pair shows."""
    rng = np.random.default_rng(seed)
    return {
        "log_likelihood": rng.normal(-3.0, 1.0, (samples, batch)),
        "x": rng.normal(0.0, 1.0, (samples, batch, dim)),
        "x_mean": rng.normal(0.0, 1.0, (batch, dim)),
        "x_log_var": rng.normal(-0.5, 0.7, (batch, dim)),
        "w_mean": rng.normal(0.0, 1.0, (batch, style)),
        "w_log_var": rng.normal(-0.5, 0.7, (batch, style)),
        "means": rng.normal(0.0, 1.0, (samples, batch, components, dim)),
        "log_vars": rng.normal(0.0, 0.7, (samples, batch, components, dim)),
    }


def terms_of(values, function=objective.elbo_terms):
    """The four terms by the product, or by `references.elbo_terms`."""
    return function(*arguments(values))


def arguments(values):
    """Arguments of `elbo_terms` in their order."""
    log_likelihood, x, x_mean, x_log_var, w_mean, w_log_var, means, log_vars = (values[name] for name in INPUTS)
    return log_likelihood, x, (x_mean, x_log_var), (w_mean, w_log_var), means, log_vars


def tensors(values, dtype="float64"):
    return {name: tf.constant(value, dtype) for name, value in values.items()}


def loss_of(values, min_information):
    batch_means = objective.ElboTerms(*(tf.reduce_mean(term) for term in terms_of(values)))
    return objective.training_loss(batch_means, min_information)


VALUES = draw()
MIXTURE = (VALUES["x"], VALUES["means"], VALUES["log_vars"])
Q_X = (VALUES["x_mean"], VALUES["x_log_var"])
Q_W = (VALUES["w_mean"], VALUES["w_log_var"])
LOG_RESP = references.log_responsibilities(*MIXTURE)
GIVEN = np.random.default_rng(1).dirichlet(np.ones(5), 4)  # (B, K), responsibilities
FIRST = (VALUES["means"][0], VALUES["log_vars"][0])  # (B, K, D)


def every_vector(function, *arrays):
    """`function` of the last axis of arrays that broadcast, in a loop over all leading axes."""
    arrays = np.broadcast_arrays(*arrays)
    result = np.zeros(arrays[0].shape[:-1])
    for index in np.ndindex(result.shape):
        result[index] = function(*(array[index] for array in arrays))
    return result


# name: (arguments, what the loops make of them)
FUNCTIONS = {
    "gaussian_log_density": (
        (VALUES["x"], *Q_X),
        every_vector(references.gaussian_log_density, VALUES["x"], *Q_X),
    ),
    "gaussian_kl": (
        (VALUES["x_mean"][:, None], VALUES["x_log_var"][:, None], *FIRST),
        every_vector(references.gaussian_kl, VALUES["x_mean"][:, None], VALUES["x_log_var"][:, None], *FIRST),
    ),
    "standard_normal_kl": (Q_W, references.w_prior(*Q_W)),
    "component_log_densities": (MIXTURE, references.component_log_densities(*MIXTURE)),
    "log_responsibilities": (MIXTURE, LOG_RESP),
    "mixture_log_density": (MIXTURE, references.mixture_log_density(*MIXTURE)),
    "conditional_prior": (
        (LOG_RESP, *Q_X, *MIXTURE[1:]),
        references.conditional_prior(LOG_RESP, *Q_X, *MIXTURE[1:]),
    ),
    "z_prior": ((LOG_RESP,), references.z_prior(LOG_RESP)),
    "elbo_terms": (
        (VALUES["log_likelihood"], VALUES["x"], Q_X, Q_W, *MIXTURE[1:]),
        terms_of(VALUES, references.elbo_terms),
    ),
    "plain_vae_terms": (
        (VALUES["log_likelihood"], Q_X),
        (references.reconstruction(VALUES["log_likelihood"]), references.w_prior(*Q_X)),
    ),
    "guided_terms": (
        (GIVEN, VALUES["log_likelihood"], VALUES["x"], Q_X, Q_W, *MIXTURE[1:]),
        references.guided_terms(GIVEN, VALUES["log_likelihood"], VALUES["x"], Q_X, Q_W, *MIXTURE[1:]),
    ),
    "held_terms": ((GIVEN, *arguments(VALUES)), references.held_terms(GIVEN, *arguments(VALUES))),
    "cross_entropy": ((GIVEN, LOG_RESP), references.cross_entropy(GIVEN, LOG_RESP)),
    "training_loss": (
        (objective.ElboTerms(*(term.mean() for term in terms_of(VALUES, references.elbo_terms))), 0.5),
        references.training_loss(terms_of(VALUES, references.elbo_terms), 0.5),
    ),
    "importance_weighted_bound": (
        (VALUES["log_likelihood"],),
        references.importance_weighted_bound(VALUES["log_likelihood"]),
    ),
}


def test_every_public_function_is_compared_with_a_loop():
    public = {
        name
        for name, member in inspect.getmembers(objective, inspect.isfunction)
        if member.__module__ in (objective.__name__, gaussians.__name__) and not name.startswith("_")
    }
    assert public == set(FUNCTIONS)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_the_loop(name, dtype):
    arguments, expected = FUNCTIONS[name]
    arguments = tf.nest.map_structure(lambda value: tf.constant(value, dtype), arguments)
    actual = getattr(objective, name)(*arguments)
    assert {tensor.dtype.name for tensor in tf.nest.flatten(actual)} == {dtype}
    for one_actual, one_expected in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        assert one_actual.shape == np.shape(one_expected)
        np.testing.assert_allclose(one_actual, one_expected, **TOLERANCES[dtype])


@pytest.mark.parametrize("samples", [1, 5])
def test_terms_equal_the_loop_for_one_and_for_many_samples(samples):
    values = draw(samples=samples, batch=3, components=4, seed=samples)
    for actual, expected in zip(terms_of(tensors(values)), terms_of(values, references.elbo_terms), strict=True):
        assert actual.shape == (3,)
        np.testing.assert_allclose(actual, expected, rtol=1e-10)


def test_equal_tensorflow_probability():
    tfd = tfp.distributions
    x, means, log_vars = (tf.constant(value) for value in MIXTURE)
    q_mean, q_log_var = (tf.constant(value) for value in Q_X)
    w_mean, w_log_var = (tf.constant(value) for value in Q_W)
    q_x = tfd.MultivariateNormalDiag(q_mean, tf.exp(0.5 * q_log_var))
    q_w = tfd.MultivariateNormalDiag(w_mean, tf.exp(0.5 * w_log_var))
    components = tfd.MultivariateNormalDiag(means, tf.exp(0.5 * log_vars))
    uniform = tfd.Categorical(probs=tf.fill(means.shape[:-1], tf.constant(0.2, tf.float64)))
    mixture = tfd.MixtureSameFamily(uniform, components)
    log_resp = mixture.posterior_marginal(x).logits_parameter()
    log_resp -= tf.reduce_logsumexp(log_resp, axis=-1, keepdims=True)
    kl_of_components = tfd.MultivariateNormalDiag(q_mean[:, None], tf.exp(0.5 * q_log_var[:, None])).kl_divergence(
        components
    )
    w_kl = q_w.kl_divergence(tfd.MultivariateNormalDiag(tf.zeros_like(w_mean), tf.ones_like(w_mean)))
    z_kl = tfd.Categorical(logits=log_resp).kl_divergence(uniform)
    weighted = tf.reduce_mean(tf.reduce_sum(tf.exp(log_resp) * kl_of_components, -1), 0)

    pairs = [
        (objective.gaussian_log_density(x, q_mean, q_log_var), q_x.log_prob(x)),
        (objective.component_log_densities(x, means, log_vars), components.log_prob(x[:, :, None])),
        (objective.gaussian_kl(q_mean[:, None], q_log_var[:, None], means, log_vars), kl_of_components),
        (objective.standard_normal_kl(w_mean, w_log_var), w_kl),
        (objective.mixture_log_density(x, means, log_vars), mixture.log_prob(x)),
        (objective.log_responsibilities(x, means, log_vars), log_resp),
        (objective.z_prior(log_resp), tf.reduce_mean(z_kl, 0)),
        (objective.conditional_prior(log_resp, q_mean, q_log_var, means, log_vars), weighted),
    ]
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def assert_is_mean_of(estimates, expected):
    error = estimates.std() / math.sqrt(len(estimates))
    assert error < 0.02 * abs(expected), "too few samples to tell right from wrong"
    assert abs(estimates.mean() - expected) < 5.0 * error


def log_normal(x, mean, log_var):
    return scipy.stats.norm.logpdf(x, mean, np.exp(0.5 * log_var)).sum(axis=-1)


def test_divergences_equal_monte_carlo():
    rng = np.random.default_rng(1)
    q_mean, q_log_var = np.array([0.5, -1.0, 0.2]), np.array([-1.0, 0.4, 0.0])
    p_mean, p_log_var = np.array([-0.3, 0.1, 0.9]), np.array([0.3, -0.2, 0.5])
    x = q_mean + np.exp(0.5 * q_log_var) * rng.normal(size=(100_000, 3))
    log_q = log_normal(x, q_mean, q_log_var)
    expected = float(objective.gaussian_kl(*map(tf.constant, (q_mean, q_log_var, p_mean, p_log_var))))
    assert_is_mean_of(log_q - log_normal(x, p_mean, p_log_var), expected)
    expected = float(objective.standard_normal_kl(tf.constant(q_mean), tf.constant(q_log_var)))
    assert_is_mean_of(log_q - log_normal(x, 0.0, np.zeros(3)), expected)


def test_conditional_and_z_prior_equal_monte_carlo():
    # Eq. 4 as it stands: z is drawn from p(z | x_j, w_j), then x from q(x | y).
    rng, draws = np.random.default_rng(2), 100_000
    values = draw(samples=3, batch=2, components=4, seed=3)
    terms = terms_of(tensors(values))
    for b in range(2):
        conditional, component = [], []
        for j in range(3):
            means, log_vars = values["means"][j, b], values["log_vars"][j, b]
            probabilities = scipy.special.softmax(log_normal(values["x"][j, b], means, log_vars))
            z = rng.choice(4, size=draws, p=probabilities)
            q_mean, q_log_var = values["x_mean"][b], values["x_log_var"][b]
            x = q_mean + np.exp(0.5 * q_log_var) * rng.normal(size=(draws, 2))
            conditional.append(log_normal(x, q_mean, q_log_var) - log_normal(x, means[z], log_vars[z]))
            component.append(np.log(probabilities[z] / 0.25))
        assert_is_mean_of(np.mean(conditional, axis=0), float(terms.conditional_prior[b]))
        assert_is_mean_of(np.mean(component, axis=0), float(terms.z_prior[b]))


@pytest.mark.parametrize("spread", [1.0, 0.02], ids=["separated", "close"])
def test_stable_where_densities_underflow(spread):
    rng = np.random.default_rng(4)
    values = draw(samples=2, batch=3, components=30, dim=200, seed=5)
    values["means"] = spread * rng.normal(size=values["means"].shape)
    values["log_vars"] *= 0.02
    values["x"] = values["means"][:, :, 7] + rng.normal(size=values["x"].shape)
    mixture = (values["x"], values["means"], values["log_vars"])
    densities = np.exp(references.component_log_densities(*mixture).astype("float32"))
    with np.errstate(invalid="ignore"):
        naive = densities / densities.sum(axis=-1, keepdims=True)
    assert np.isnan(naive).all()

    values_32 = tensors(values, "float32")
    actual = objective.log_responsibilities(*(values_32[name] for name in ("x", "means", "log_vars")))
    expected = references.log_responsibilities(*mixture)
    if spread < 1.0:  # several components share each example: no one-hot posterior can pass
        assert np.exp(expected).max() < 0.9
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-3)
    for actual_term, expected_term in zip(
        terms_of(values_32), terms_of(values, references.elbo_terms), strict=True
    ):
        np.testing.assert_allclose(actual_term, expected_term, rtol=1e-4, atol=2e-3)


# The batch-mean z-prior term of these values lies between the two: once the constraint is off, once on.
@pytest.mark.parametrize("min_information", [0.0, 1.0])
@pytest.mark.parametrize("name", INPUTS)
def test_gradient_equals_finite_differences(name, min_information):
    values = draw(samples=2, batch=2, components=3, dim=2, style=2, seed=6)
    mean_z_prior = np.mean(terms_of(values, references.elbo_terms)[3])
    assert 0.01 < mean_z_prior < 0.99

    inputs = tensors(values)
    with tf.GradientTape() as tape:
        tape.watch(inputs[name])
        loss = loss_of(inputs, min_information)
    actual = tape.gradient(loss, inputs[name])

    def reference_loss(value):
        return references.training_loss(terms_of({**values, name: value}, references.elbo_terms), min_information)

    expected = references.central_differences(reference_loss, values[name])
    assert np.abs(expected).min() > 1e-6
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-8)


def test_gradient_flows_through_the_samples():
    # x and w are functions of q's parameters here, and the mixture of w: all paths of Eq. 5 and 6 at once.
    rng = np.random.default_rng(7)
    values = draw(samples=3, batch=2, components=3, dim=2, style=2, seed=8)
    x_noise, w_noise = rng.normal(size=(2, 3, 2, 2))
    weights = rng.normal(size=(2, 3, 2, 2))  # of the map from w to means and log-variances

    def reparameterised(inputs, exp, einsum):
        x = inputs["x_mean"] + exp(0.5 * inputs["x_log_var"]) * x_noise
        w = inputs["w_mean"] + exp(0.5 * inputs["w_log_var"]) * w_noise
        means, log_vars = (einsum("jbw,kdw->jbkd", w, stream) for stream in weights)
        return {**inputs, "x": x, "means": means, "log_vars": 0.3 * log_vars}

    inputs = tensors(values)
    names = ("x_mean", "x_log_var", "w_mean", "w_log_var")
    with tf.GradientTape() as tape:
        tape.watch([inputs[name] for name in names])
        loss = loss_of(reparameterised(inputs, tf.exp, tf.einsum), 0.0)
    gradients = tape.gradient(loss, {name: inputs[name] for name in names})
    for name in names:

        def reference_loss(value, name=name):
            changed = reparameterised({**values, name: value}, np.exp, np.einsum)
            return references.training_loss(terms_of(changed, references.elbo_terms), 0.0)

        expected = references.central_differences(reference_loss, values[name])
        np.testing.assert_allclose(gradients[name], expected, rtol=1e-5, atol=1e-8)


def test_one_component_carries_no_information():
    terms = terms_of(tensors(draw(components=1)))
    np.testing.assert_allclose(terms.z_prior, 0.0, atol=1e-12)


def test_identical_components_give_a_uniform_posterior():
    values = draw(components=5)
    for name in ("means", "log_vars"):
        values[name] = np.repeat(values[name][:, :, :1], 5, axis=2)
    inputs = tensors(values)
    log_resp = objective.log_responsibilities(*(inputs[name] for name in ("x", "means", "log_vars")))
    np.testing.assert_allclose(np.exp(log_resp), 0.2, rtol=1e-12)
    terms = terms_of(inputs)
    np.testing.assert_allclose(terms.z_prior, 0.0, atol=1e-12)
    one = terms_of(
        tensors({**values, "means": values["means"][:, :, :1], "log_vars": values["log_vars"][:, :, :1]})
    )
    np.testing.assert_allclose(terms.conditional_prior, one.conditional_prior, rtol=1e-12)


def test_order_of_components_does_not_matter():
    order = [3, 0, 4, 2, 1]
    permuted = {**VALUES, "means": VALUES["means"][:, :, order], "log_vars": VALUES["log_vars"][:, :, order]}
    for actual, expected in zip(terms_of(tensors(permuted)), terms_of(tensors(VALUES)), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_samples_of_one_index_belong_together():
    order, sampled = [2, 0, 1], ("log_likelihood", "x", "means", "log_vars")
    jointly = {**VALUES, **{name: VALUES[name][order] for name in sampled}}
    expected = terms_of(tensors(VALUES))
    for actual_term, expected_term in zip(terms_of(tensors(jointly)), expected, strict=True):
        np.testing.assert_allclose(actual_term, expected_term, rtol=1e-12)
    alone = terms_of(tensors({**VALUES, "x": VALUES["x"][order]}))
    assert (np.abs(alone.conditional_prior - expected.conditional_prior) > 1e-3).all()
    assert (np.abs(alone.z_prior - expected.z_prior) > 1e-3).all()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_divergences_stay_in_their_bounds(scale, dtype):
    values = draw(samples=2, batch=50, components=6, seed=9)
    values["means"] = scale * values["means"]
    terms = terms_of(tensors(values, dtype))
    assert (terms.conditional_prior.numpy() >= 0.0).all()
    assert (terms.w_prior.numpy() >= 0.0).all()
    assert (terms.z_prior.numpy() >= -1e-6).all()
    assert (terms.z_prior.numpy() <= math.log(6) + 1e-6).all()
    if scale > 1.0:  # certain of one component: the upper bound is reached
        np.testing.assert_allclose(np.max(terms.z_prior), math.log(6), rtol=1e-4)


def test_divergence_from_itself_is_zero():
    same = [tf.constant(value) for value in Q_X]
    np.testing.assert_array_equal(objective.gaussian_kl(*same, *same), np.zeros(4))
    np.testing.assert_array_equal(objective.standard_normal_kl(tf.zeros((4, 3)), tf.zeros((4, 3))), np.zeros(4))


def test_elbo_subtracts_the_three_divergences():
    terms = objective.ElboTerms(*(tf.constant([value, 2 * value]) for value in (-10.0, 1.0, 0.3, 0.05)))
    np.testing.assert_allclose(terms.elbo, [-11.35, -22.7], rtol=1e-6)


# reconstruction -10, conditional prior 1, w-prior 0.3, z-prior 0.5: -ELBO = 11.8, and 11.3 without z-prior.
@pytest.mark.parametrize(
    ("min_information", "loss", "slope"),
    [(0.0, 11.8, 1.0), (0.49, 11.8, 1.0), (0.51, 11.81, 0.0), (2.0, 13.3, 0.0)],
)
def test_training_loss_by_hand(min_information, loss, slope):
    values = [tf.constant(value, tf.float64) for value in (-10.0, 1.0, 0.3, 0.5)]
    with tf.GradientTape() as tape:
        tape.watch(values)
        terms = objective.ElboTerms(*values)
        actual = objective.training_loss(terms, min_information)
    np.testing.assert_allclose(actual, loss, rtol=1e-12)
    gradients = tape.gradient(actual, values, unconnected_gradients="zero")
    assert [float(gradient) for gradient in gradients] == [-1.0, 1.0, 1.0, slope]
    if min_information == 0.0:
        np.testing.assert_allclose(actual, -terms.elbo, rtol=1e-12)


def test_bound_of_one_sample_is_its_weight():
    weights = tf.constant([[-3.0, 2.5, -1000.0]])
    np.testing.assert_allclose(objective.importance_weighted_bound(weights), weights[0], rtol=1e-7)


def test_bound_is_stable_far_below_zero():
    # log 1/2 (e^-1000 + e^-1001) = -1000 + log((1 + e^-1) / 2); float32 has no e^-1000.
    weights = tf.constant([[-1000.0, -1000.0], [-1001.0, -1000.0]])
    expected = [-1000.0 + math.log((1.0 + math.exp(-1.0)) / 2.0), -1000.0]
    np.testing.assert_allclose(objective.importance_weighted_bound(weights), expected, atol=1e-3)


def test_bound_nears_the_log_evidence_from_below():
    # p(w) = N(0, 1), p(y | w) = N(w, 1): p(y) = N(0, 2) and p(w | y) = N(y / 2, 1/2). q is a poor guess at it.
    y, q_mean, q_log_var = 1.5, 0.2, -0.2
    log_evidence = scipy.stats.norm.logpdf(y, 0.0, math.sqrt(2.0))
    gap = references.gaussian_kl([q_mean], [q_log_var], [y / 2], [math.log(0.5)])
    rng, repeats = np.random.default_rng(10), 20_000
    previous = -math.inf
    for samples in (1, 2, 5, 50):
        w = q_mean + math.exp(0.5 * q_log_var) * rng.normal(size=(samples, repeats, 1))
        log_joint = log_normal(w, 0.0, np.zeros(1)) + log_normal(np.full_like(w, y), w, np.zeros(1))
        log_weights = log_joint - log_normal(w, q_mean, np.array([q_log_var]))
        bounds = objective.importance_weighted_bound(tf.constant(log_weights)).numpy()
        error = bounds.std() / math.sqrt(repeats)
        assert previous + 5.0 * error < bounds.mean() < log_evidence + 5.0 * error
        if samples == 1:  # the ELBO, whose distance from log p(y) is KL(q || p(w | y))
            assert abs(bounds.mean() - (log_evidence - gap)) < 5.0 * error
        previous = bounds.mean()
    assert previous == pytest.approx(log_evidence, abs=0.02)


def test_guided_by_its_own_posterior_it_is_the_paper_s_objective():
    values = draw(samples=1)
    log_resp = references.log_responsibilities(values["x"], values["means"], values["log_vars"])
    terms, guidance = objective.guided_terms(np.exp(log_resp[0]), *arguments(tensors(values)))
    plain = objective.elbo_terms(*arguments(tensors(values)))
    np.testing.assert_allclose(terms.conditional_prior, plain.conditional_prior, rtol=1e-9)
    np.testing.assert_allclose(guidance, math.log(5) - plain.z_prior, rtol=1e-9)


def test_a_component_given_for_certain_counts_alone_and_leaves_no_nan():
    narrow = draw()
    narrow["log_vars"][:, :, 4] = -75.0  # of a component that is nobody's: its divergences are of 32 digits
    values = tensors(narrow, "float32")
    with tf.GradientTape() as tape:
        tape.watch(values)
        terms, guidance = objective.guided_terms(tf.one_hot([0, 1, 2, 3], 5), *arguments(values))
        loss = tf.reduce_sum(terms.conditional_prior) + tf.reduce_sum(guidance)
    gradients = tape.gradient(loss, values)
    assert math.isfinite(float(loss))
    for name in ("x", "x_mean", "means", "log_vars"):
        assert np.isfinite(gradients[name]).all(), name
    of_each = objective.gaussian_kl(
        *Q_X, VALUES["means"][:, range(4), range(4)], VALUES["log_vars"][:, range(4), range(4)]
    )
    np.testing.assert_allclose(terms.conditional_prior, np.mean(of_each, axis=0), **TOLERANCES["float32"])


def test_plain_vae_terms_are_those_of_tensorflow_probability():
    values = draw()
    reconstruction, divergence = objective.plain_vae_terms(values["log_likelihood"], Q_X)
    posterior = tfp.distributions.MultivariateNormalDiag(values["x_mean"], np.exp(0.5 * values["x_log_var"]))
    prior = tfp.distributions.MultivariateNormalDiag(np.zeros(2), np.ones(2))
    np.testing.assert_allclose(divergence, tfp.distributions.kl_divergence(posterior, prior), rtol=1e-9)
    np.testing.assert_allclose(reconstruction, values["log_likelihood"].mean(axis=0), rtol=1e-12)
