"""Priors of the style and of the component: the paper's as they were, and learned weights."""

import math

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
from support import references

import tf_gmvae
from tf_gmvae import GMVAE, InputError, objective, priors
from tf_gmvae.optimizer import FusedAdam

RNG = np.random.default_rng(0)
X, MEANS, LOG_VARS = RNG.normal(size=(3, 4, 2)), RNG.normal(size=(3, 4, 5, 2)), RNG.normal(size=(3, 4, 5, 2))
Q_X, Q_W = RNG.normal(size=(2, 4, 2)), RNG.normal(size=(2, 4, 3))
LOG_LIKELIHOOD = RNG.normal(size=(3, 4))
LOG_WEIGHTS = np.log(RNG.dirichlet(np.ones(5)))
GIVEN = RNG.dirichlet(np.ones(5), 4)
LOG_RESP = references.log_responsibilities(X, MEANS, LOG_VARS, LOG_WEIGHTS)
TERMS = (LOG_LIKELIHOOD, X, tuple(Q_X), tuple(Q_W), MEANS, LOG_VARS)
FUNCTIONS = {
    "log_responsibilities": (X, MEANS, LOG_VARS),
    "mixture_log_density": (X, MEANS, LOG_VARS),
    "z_prior": (LOG_RESP,),
    "elbo_terms": TERMS,
    "held_terms": (GIVEN, *TERMS),
    "guided_terms": (GIVEN, *TERMS),
}

# Of `small(num_samples=2, min_information=0.1)`, as the last version without priors as objects had them.
FROZEN = {
    "shapes": [
        (4, 6), (6,), (2, 8), (8,), (6, 4), (4,), (6, 4), (4,), (2, 5), (5,), (5, 6), (6,), (5, 6), (6,)
    ],
    "loss": [7.72854, 6.664912],
    "elbo": [-7.72854, -6.664912],
    "conditional_prior": [0.479796, 0.59984],
    "w_prior": [0.118578, 0.104057],
    "z_prior": [0.235739, 0.196453],
    "log_likelihood": [-5.22608, -5.00722],
    "generated": [[-1.46433, -0.225855, 0.043985, 0.506781], [-0.96964, -0.308424, -0.174776, -0.001144]],
}  # fmt: skip


def tensors(values):
    return tf.nest.map_structure(lambda value: tf.constant(value, "float64"), values)


def small(component_prior="uniform", num_components=3, **arguments):
    """A model of four columns."""
    encoder = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(6, "tanh", kernel_initializer=keras.initializers.GlorotUniform(1))]
    )
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(8, kernel_initializer=keras.initializers.GlorotUniform(2))]
    )
    return GMVAE(
        encoder, decoder, latent_dim=2, style_dim=2, num_components=num_components, likelihood="gaussian",
        prior_units=(5,), component_prior=component_prior, seed=0, **arguments,
    )  # fmt: skip


def log_normal(x, mean, log_var):
    return scipy.stats.norm.logpdf(x, mean, np.exp(0.5 * np.asarray(log_var))).sum(axis=-1)


def with_weights(*weights):
    model = small("learned", len(weights))
    model.component_prior.start_from(np.array(weights))
    return model


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(1).normal(size=(8, 4)).astype("float32")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_with_weights_equals_the_loop(name):
    arguments = (*FUNCTIONS[name], LOG_WEIGHTS)
    expected = getattr(references, name)(*arguments)
    found = getattr(objective, name)(*tensors(arguments))
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equal_weights_are_the_papers(name):
    equal = np.full(5, -math.log(5))
    found, plain = (getattr(objective, name)(*tensors((*FUNCTIONS[name], *more))) for more in ((equal,), ()))
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def test_a_seeded_model_answers_and_draws_as_it_did_before_priors_were_objects(table):
    """Figures of the commit before; the golden files hold exports and files to theirs."""
    model = small(num_samples=2, min_information=0.1)
    model.compile(FusedAdam(1e-2))
    history = model.fit(table, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert [weight.shape for weight in model.get_weights()] == FROZEN["shapes"]
    for name in ("loss", "elbo", "conditional_prior", "w_prior", "z_prior"):
        np.testing.assert_allclose(history[name], FROZEN[name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(model.log_likelihood(table[:2], 5), FROZEN["log_likelihood"], rtol=1e-5)
    np.testing.assert_allclose(model.generate(2, seed=3), FROZEN["generated"], rtol=1e-4, atol=1e-5)


def test_the_papers_priors_draw_the_numbers_that_numpy_draws():
    ours, numpys = np.random.default_rng(5), np.random.default_rng(5)
    np.testing.assert_array_equal(priors.UniformWeights(7).sample(ours, 20), numpys.integers(7, size=20))
    np.testing.assert_array_equal(priors.StandardNormal().sample(ours, 4, 3), numpys.standard_normal((4, 3)))


def test_densities_and_divergences_of_the_objects_are_those_of_the_objective():
    w, (mean, log_var) = tf.constant(Q_W[0]), tensors(Q_W)
    normal = priors.StandardNormal()
    np.testing.assert_allclose(
        normal.log_prob(w), [references.gaussian_log_density(v, np.zeros(3), np.zeros(3)) for v in Q_W[0]]
    )
    np.testing.assert_allclose(normal.kl(mean, log_var), references.w_prior(*Q_W))
    log_resp = LOG_RESP.astype("float32")
    learned, uniform = priors.LearnedWeights(5), priors.UniformWeights(5)
    learned.start_from(np.exp(LOG_WEIGHTS))
    for prior, log_weights in ((uniform, None), (learned, LOG_WEIGHTS)):
        np.testing.assert_allclose(prior.kl(log_resp), references.z_prior(LOG_RESP, log_weights), rtol=1e-5)
        expected = references.weights_or_equal(log_weights, 5)
        np.testing.assert_allclose(prior.log_prob(), expected, rtol=1e-5)
        np.testing.assert_allclose(prior.probabilities, np.exp(expected), rtol=1e-5)


@pytest.mark.parametrize("prior", [priors.StandardNormal(), priors.UniformWeights(3), priors.LearnedWeights(3)])
def test_priors_can_be_serialised(prior):
    config = keras.saving.serialize_keras_object(prior)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(prior) and again.get_config() == prior.get_config()


def test_learned_weights_draw_by_their_weights():
    prior = priors.LearnedWeights(3)
    prior.start_from(np.array([0.7, 0.3, 0.0]))
    shares = np.bincount(prior.sample(np.random.default_rng(0), 20_000), minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.7, 0.3, 0.0], atol=0.01)
    assert np.isfinite(prior.log_prob()).all()


def test_a_split_component_shares_its_weight():
    for prior, expected in ((priors.LearnedWeights(3), [0.4, 0.2, 0.4]), (priors.UniformWeights(3), [1 / 3] * 3)):
        prior.start_from(np.array([0.8, 0.2, 0.0]))
        prior.split(0, 2)
        np.testing.assert_allclose(prior.probabilities, expected, rtol=1e-5)


def test_another_kind_is_refused():
    with pytest.raises(InputError, match="component_prior must be one of uniform, learned. Received: 'equal'"):
        small("equal")


def test_no_bound_is_warned_of_where_there_is_none(recwarn):
    small("learned", min_information=5.0)
    assert not [warning for warning in recwarn if "min_information" in str(warning.message)]


def test_the_model_uses_its_weights_wherever_there_are_components(table):
    model = with_weights(0.9, 0.09, 0.01)
    log_weights = np.log([0.9, 0.09, 0.01])
    x, w = model.embed(table)
    means, log_vars = (stream.numpy()[None] for stream in model.mixture_prior(w))
    expected = references.log_responsibilities(x[None], means, log_vars, log_weights)[0]
    for found in (
        model.log_posterior(table),
        np.log(model.predict(table, verbose=0)),
        model.examine(table).log_posterior,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    q = model.distributions(table)
    np.testing.assert_allclose(q.p_z.probs_parameter(), np.exp(expected), rtol=1e-4)
    np.testing.assert_allclose(
        q.p_x.log_prob(x), references.mixture_log_density(x[None], means, log_vars, log_weights)[0], rtol=1e-4
    )
    # - log min pi bounds the z-prior term.
    scores = model.score(table)
    assert (scores.z_prior <= -log_weights.min()).all() and (scores.z_prior >= 0).all()
    model.evaluation_sampler.reset()
    drawn = model.sampled(table, num_samples=4)
    x, w, means, log_vars = (tensor.numpy() for tensor in (drawn.x, drawn.w, drawn.means, drawn.log_vars))
    log_p = references.mixture_log_density(x, means, log_vars, log_weights) + log_normal(w, 0.0, 0.0)
    log_ratios = drawn.log_likelihood + log_p - log_normal(x, *drawn.q_x) - log_normal(w, *drawn.q_w)
    expected = scipy.special.logsumexp(log_ratios, axis=0) - math.log(4)
    np.testing.assert_allclose(model.log_likelihood(table, 4), expected, rtol=1e-4)


def test_examples_are_generated_by_the_weights():
    model = with_weights(0.0, 0.0, 1.0)
    np.testing.assert_array_equal(
        model.generate(6, w=np.zeros(2), seed=0), model.generate(6, component=2, w=np.zeros(2), seed=0)
    )


def test_weights_are_trained_saved_and_go_on_from_a_file(table, tmp_path):
    model = with_weights(0.5, 0.3, 0.2)
    model.compile(FusedAdam(1e-2))
    model.fit(table, batch_size=8, epochs=1, shuffle=False, verbose=0)
    assert not np.allclose(model.component_prior.probabilities, [0.5, 0.3, 0.2], atol=1e-3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.component_prior.probabilities, model.component_prior.probabilities)
    for one in (model, again):
        one.fit(table, batch_size=8, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(again.component_prior.probabilities, model.component_prior.probabilities, rtol=1e-5)
    np.testing.assert_allclose(again.predict(table, verbose=0), model.predict(table, verbose=0), rtol=1e-4)


def test_a_model_in_half_precision_answers_by_its_weights(table):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        deep = priors.MixturePrior(2, component_prior="learned")
        model = small("learned", style_prior=deep)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for prior in (model.component_prior, deep.component_prior):
        prior.start_from(np.array([0.9, 0.1, 0.1][: prior.num_components]))
    # Keras reads the weights that a call needs in half precision, all others as they are.
    np.testing.assert_allclose(model(table), model.predict_levels(table)[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(model.predict(table, verbose=0), model(table), rtol=1e-3, atol=1e-6)


def test_the_gradient_draws_the_weights_to_the_mean_posterior():
    """d/d logits of E KL(p(z | x, w) || softmax(logits)) is pi less the mean posterior."""
    prior = priors.LearnedWeights(5)
    log_resp = tf.constant(LOG_RESP, "float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(prior.kl(log_resp))
    gradient = tape.gradient(loss, prior.trainable_weights[0].value)
    np.testing.assert_allclose(gradient, 0.2 - np.exp(LOG_RESP).mean(axis=(0, 1)), atol=1e-6)


def test_a_start_sets_the_weights_to_the_shares_it_finds(monkeypatch):
    from tf_gmvae.start import agreement, initialization

    monkeypatch.setattr(initialization, "LEAST_STEPS", 5)
    monkeypatch.setattr(agreement, "SAMPLES", 2)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [90, 30])
    points = (8.0 * np.eye(4)[labels] + rng.normal(size=(120, 4))).astype("float32")
    model = small("learned", 2, style_prior=priors.MixturePrior(2, component_prior="learned"))
    model.compile(FusedAdam(1e-3))
    start = model.initialize(points, pretraining_epochs=1, guided_epochs=1, learning_rate=1e-5, verbose=0)
    # The guided training moves them a little.
    np.testing.assert_allclose(model.component_prior.probabilities, start.labels.mean(axis=0), atol=1e-3)
    assert sorted(model.component_prior.probabilities) == pytest.approx([0.25, 0.75], abs=0.02)
    assert (model.style_prior.component_prior.probabilities != 0.5).all()


def test_an_export_has_the_weights(table, tmp_path):
    model = with_weights(0.98, 0.01, 0.01)
    path = tf_gmvae.export(model, tmp_path / "served")
    signatures = tf.saved_model.load(str(path)).signatures
    found = signatures["cluster"](examples=tf.constant(table))["posterior"]
    np.testing.assert_allclose(found, model.predict(table, verbose=0), rtol=1e-4, atol=1e-6)
    drawn = signatures["generate"](
        component=tf.fill([400], tf.constant(-1, tf.int64)), seed=tf.range(400, dtype=tf.int64)
    )
    shares = np.bincount(drawn["component"], minlength=3) / 400
    np.testing.assert_allclose(shares, [0.98, 0.01, 0.01], atol=0.02)
    card = (path / "model_card.md").read_text()
    assert "| K, components | 3, of learned weights from 0.01 to 0.98 |" in card
