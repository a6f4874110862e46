"""The deep GMVAE: a mixture as the prior of w, against loops, Monte Carlo and a brute-force integral."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import references

import tf_gmvae
from tf_gmvae import GMVAE, InputError
from tf_gmvae.objective import ElboTerms
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.priors import MixturePrior, StandardNormal, Style, UniformWeights
from tf_gmvae.serving import draws
from tf_gmvae.start import heads
from tf_gmvae.start.stages import GuidedTraining

COMPONENTS = (3, 2)


def small(style_prior, latent_dim=2, style_dim=2, **arguments):
    """A model of three columns."""
    encoder = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(5, "tanh", kernel_initializer=keras.initializers.GlorotUniform(1))]
    )
    decoder = keras.Sequential(
        [keras.Input((latent_dim,)), keras.layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(2))]
    )
    return GMVAE(
        encoder, decoder, latent_dim=latent_dim, style_dim=style_dim, num_components=4, likelihood="gaussian",
        prior_units=(5,), style_prior=style_prior, seed=0, **arguments,
    )  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(1).normal(size=(8, 3)).astype("float32")


@pytest.fixture(scope="module")
def deep():
    """Three levels: 4 components of x, 3 of w with learned weights, 2 of v."""
    model = small(MixturePrior(3, 4, component_prior="learned", style_prior=MixturePrior(2, 3)), num_samples=3)
    model.style_prior.component_prior.start_from(np.array([0.6, 0.3, 0.1]))
    return model


@pytest.fixture(scope="module")
def styles():
    """What a recognition model may say of w, v and u: M = 5 samples of B = 2 examples."""
    rng = np.random.default_rng(2)
    return [
        Style(*(rng.normal(size=shape).astype("float32") for shape in ((5, 2, dim), (2, dim), (2, dim))))
        for dim in (2, 4, 3)
    ]


def level_by_loops(level, below, above):
    """(conditional prior, component prior) of a level, each (B,), by the loops of Eq. 3, 5 and 6."""
    means, log_vars = (np.asarray(part, "float64") for part in level.components(above.sample))
    log_weights = np.log(level.component_prior.probabilities)
    log_resp = references.log_responsibilities(below.sample, means, log_vars, log_weights)
    conditional = references.conditional_prior(log_resp, below.mean, below.log_var, means, log_vars)
    return conditional, references.z_prior(log_resp, log_weights)


def test_the_terms_of_every_level_equal_the_loops(deep, styles):
    w, v, u = styles
    second, third = deep.style_prior.kl(*styles)
    for found, (level, below, above) in zip(
        (second, third), zip(deep.style_prior.levels(), (w, v), (v, u), strict=True), strict=True
    ):
        conditional, component = level_by_loops(level, below, above)
        np.testing.assert_allclose(found.conditional_prior, conditional, rtol=1e-4)
        np.testing.assert_allclose(found.z_prior, component, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(third.w_prior, references.w_prior(u.mean, u.log_var), rtol=1e-5)
    np.testing.assert_allclose(second.w_prior, third.total, rtol=1e-6)
    np.testing.assert_allclose(
        second.total,
        second.conditional_prior + second.z_prior + third.conditional_prior + third.z_prior + third.w_prior,
    )


def test_densities_and_posteriors_equal_the_loops(deep, styles):
    samples = [style.sample for style in styles]
    expected = np.array(
        [[references.gaussian_log_density(u, np.zeros(3), np.zeros(3)) for u in row] for row in samples[-1]]
    )
    found = deep.style_prior.log_responsibilities(*samples)
    for level, w, v, log_resp in zip(deep.style_prior.levels(), samples[:-1], samples[1:], found, strict=True):
        means, log_vars = (np.asarray(part, "float64") for part in level.components(v))
        mixture = (w, means, log_vars, np.log(level.component_prior.probabilities))
        expected += references.mixture_log_density(*mixture)
        np.testing.assert_allclose(log_resp, references.log_responsibilities(*mixture), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(deep.style_prior.log_prob(*samples), expected, rtol=1e-4)


def test_the_terms_are_what_monte_carlo_finds_and_bound_the_divergence():
    """From draws of w, v and c, of which the terms draw none of c.

    Eq. 5 weighs KL(q(w) || p(w | v, c)) by p(c | w, v), so that the w of one and the w of the other are
    independent; of the same w, the divergence of the joint distributions is a little less.
    """
    prior = MixturePrior(3, 1, units=(4,))
    prior.set_up(2, (4,), [0])
    rng = np.random.default_rng(0)
    count = 40_000
    q_w = np.array([[0.5, -0.3]], "float32"), np.array([[-1.0, 0.2]], "float32")
    q_v = np.array([[0.4]], "float32"), np.array([[0.4]], "float32")

    def draws(mean, log_var):
        return (mean + np.exp(0.5 * log_var) * rng.normal(size=(count, *mean.shape))).astype("float32")

    def log_density(x, mean, log_var):
        return -0.5 * np.sum(np.log(2 * np.pi) + log_var + (x - mean) ** 2 / np.exp(log_var), axis=-1)

    w, v, other_w = draws(*q_w), draws(*q_v), draws(*q_w)[:, 0]
    (terms,) = prior.kl(Style(w, *q_w), Style(v, *q_v))
    log_resp = prior.log_responsibilities(w, v)[0].numpy()[:, 0]
    drawn = (rng.random((count, 1)) > np.cumsum(np.exp(log_resp), axis=1)[:, :-1]).sum(axis=1)
    means, log_vars = (part.numpy()[np.arange(count), 0, drawn] for part in prior.components(v))
    w, v, component = w[:, 0], v[:, 0], log_resp[np.arange(count), drawn] + math.log(3)
    rest = component + log_density(v, *q_v) - log_density(v, 0.0, np.zeros(1))
    for ours, sampled in (
        (terms.z_prior, component),
        (terms.conditional_prior, log_density(other_w, *q_w) - log_density(other_w, means, log_vars)),
        (terms.total, log_density(other_w, *q_w) - log_density(other_w, means, log_vars) + rest),
    ):
        assert abs(float(ours[0]) - sampled.mean()) < 5 * sampled.std() / math.sqrt(count)
    joint = log_density(w, *q_w) - log_density(w, means, log_vars) + rest
    assert float(terms.total[0]) > joint.mean() > 0


def test_the_elbo_is_below_the_evidence_that_an_integral_gives():
    """Latents of one dimension each, so that p(y) = int p(v) p(w | v) p(x | w) p(y | x) is a sum over a grid."""
    model = small(MixturePrior(2, 1), latent_dim=1, style_dim=1, num_samples=1)
    examples = np.random.default_rng(3).normal(0.0, 0.5, (3, 3)).astype("float32")
    grid = np.linspace(-7, 7, 141).astype("float32")[:, None]
    step = math.log(float(grid[1, 0] - grid[0, 0]))

    def of_grid(means, log_vars):  # log p(lower | upper), (upper, lower)
        lower = np.broadcast_to(grid[None], (len(grid), len(grid), 1))
        return tf_gmvae.objective.mixture_log_density(
            tf.constant(lower), *(tf.tile(part[:, None], (1, len(grid), 1, 1)) for part in (means, log_vars))
        ).numpy()

    log_v = StandardNormal().log_prob(tf.constant(grid)).numpy()
    log_w = np.logaddexp.reduce(log_v[:, None] + of_grid(*model.style_prior.components(grid)), axis=0) + step
    log_x = np.logaddexp.reduce(log_w[:, None] + of_grid(*model.mixture_prior(tf.constant(grid))), axis=0) + step
    assert np.logaddexp.reduce(log_x) + step == pytest.approx(0.0, abs=0.01)  # the grid holds all of p(x)
    params = model.decode(tf.constant(grid))
    log_y = np.stack([model.likelihood.log_prob(example[None], params[:, None])[:, 0] for example in examples])
    evidence = np.logaddexp.reduce(log_x + log_y, axis=1) + step
    estimated = model.log_likelihood(examples, num_importance_samples=20_000)
    np.testing.assert_allclose(estimated, evidence, atol=0.05)
    assert (np.mean([model.elbo_terms(tf.constant(examples)).elbo for _ in range(40)], axis=0) < evidence).all()


def test_the_four_terms_hold_the_levels_and_are_logged(deep, table):
    found = deep.examine(table)
    np.testing.assert_allclose(found.terms.w_prior, found.level_terms[0].total, rtol=1e-5)
    np.testing.assert_allclose(found.level_terms[0].w_prior, found.level_terms[1].total, rtol=1e-5)
    for of_level, predicted in zip((found.posterior, *found.levels), deep.predict_levels(table), strict=True):
        np.testing.assert_allclose(of_level, predicted, rtol=1e-4, atol=1e-6)
    assert [level.shape for level in deep.predict_levels(table)] == [(8, 4), (8, 3), (8, 2)]
    np.testing.assert_allclose(deep.predict_levels(table)[0], deep.predict(table, verbose=0), rtol=1e-4)


def test_every_level_is_trained_watched_saved_and_goes_on_alike(table, tmp_path):
    model = small(MixturePrior(3, 2, component_prior="learned"), hold=1.0)
    model.compile(FusedAdam(1e-2))
    before = [weight.numpy() for weight in model.trainable_weights]
    given = np.concatenate(model.predict_levels(table), axis=1)
    watch = tf_gmvae.CollapseWatch(table)
    logs = model.fit(table, given, batch_size=8, epochs=1, shuffle=False, verbose=0, callbacks=[watch]).history
    assert all((old != new.numpy()).any() for old, new in zip(before, model.trainable_weights, strict=True))
    total = sum(logs[f"level2_{name}"][0] for name in ("conditional_prior", "z_prior", "w_prior"))
    assert logs["w_prior"][0] == pytest.approx(total, rel=1e-5)
    assert {"level2_components_in_use", "level2_usage_entropy", "level2_posterior_entropy"} <= logs.keys()
    model.save(tmp_path / "deep.keras")
    again = keras.saving.load_model(tmp_path / "deep.keras")
    for one in (model, again):
        one.fit(table, given, batch_size=8, epochs=1, shuffle=False, verbose=0)
    for one, other in zip(again.predict_levels(table), model.predict_levels(table), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_levels():
    first, second = (small(MixturePrior(3)) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.style_prior.dims == (1,)  # half of two


def test_examples_are_generated_along_a_path(deep):
    drawn = deep.generate(5, component=1, style_components=[2, 0], seed=0)
    np.testing.assert_array_equal(drawn, deep.generate(component=[1] * 5, style_components=[[2] * 5, 0], seed=0))
    assert (drawn != deep.generate(5, component=1, style_components=[1, 0], seed=0)).any()
    assert deep.generate(2, style_components=[None, 1], seed=0).shape == (2, 3)
    # w has the mean and deviation of its component where v is at hand.
    noises = [tf.zeros((1, dim)) for dim in (2, 4, 3)]
    level = deep.style_prior.levels()[0]
    v = deep.style_prior.levels()[1].components(tf.zeros((1, 3)))[0][:, 0]
    np.testing.assert_allclose(deep.style_prior.from_noise([[2], [0]], noises), level.components(v)[0][:, 2])


def test_assignments_of_one_level_are_not_enough_to_hold_on_to(table):
    model = small(MixturePrior(3, 2), hold=1.0)
    model.compile()
    with pytest.raises(InputError, match=r"of shape \(N, 7\), as predict_levels returns them, side by side"):
        model.fit(table, model.predict(table, verbose=0), batch_size=8, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"style_components": [3]}, "`style_components` must be an integer from 0 to 2"),
        ({"style_components": [0, 0, 0]}, "one entry for each of the 2 deeper levels. Received: 3"),
        ({"style_components": [0], "w": np.zeros(2)}, "give them, or `w`, not both"),
    ],
)
def test_bad_paths_get_a_sentence(deep, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        deep.generate(2, **arguments)


def test_bad_priors_get_a_sentence():
    with pytest.raises(InputError, match="`style_components` are for a deep GMVAE"):
        small(None).generate(2, style_components=[0])
    with pytest.raises(
        InputError, match="style_prior must be a tf_gmvae.priors.MixturePrior, or None. Received: 3"
    ):
        small(3)
    with pytest.raises(InputError, match="num_components"):
        MixturePrior(0)
    with pytest.raises(InputError, match=r"`units` must be a tuple of integers >= 1. Received: units=\(0,\)"):
        MixturePrior(2, units=(0,))
    prior = MixturePrior(2)
    small(prior)
    with pytest.raises(InputError, match="part of another model: make a new one"):
        small(prior)


@pytest.mark.slow
def test_an_export_knows_the_levels(deep, table, tmp_path):
    path = tf_gmvae.export(deep, tmp_path / "served")
    signatures = tf.saved_model.load(str(path)).signatures
    found = signatures["levels"](examples=tf.constant(table))
    for number, expected in enumerate(deep.predict_levels(table), start=1):
        np.testing.assert_allclose(found[f"level_{number}"], expected, rtol=1e-4, atol=1e-6)
    scores = signatures["score"](examples=tf.constant(table))
    total = scores["reconstruction"] - scores["conditional_prior"] - scores["w_prior"] - scores["z_prior"]
    np.testing.assert_allclose(scores["elbo"], total, rtol=1e-5)
    asked = {"component": tf.fill([500], tf.constant(-1, tf.int64)), "seed": tf.range(500, dtype=tf.int64)}
    drawn = signatures["generate"](**asked)["w"].numpy()
    expected = deep.style_prior.sample(np.random.default_rng(0), 4000, 2)
    np.testing.assert_allclose(drawn.mean(axis=0), expected.mean(axis=0), atol=4 * expected.std() / math.sqrt(500))
    card = (path / "model_card.md").read_text()
    assert "| components of level 2, of styles of 4 dimensions | 3, of learned weights from 0.1 to 0.6 |" in card


class Noises(MixturePrior):
    """Gives the noise of all levels in place of w."""

    def from_noise(self, path, noises):
        return tf.concat(noises, axis=1)


def test_every_level_of_an_export_has_noise_of_its_own():
    by = (UniformWeights(4), Noises(3, 4, style_prior=MixturePrior(2, 3)), 2, 2)
    draw = tf.function(lambda seeds: draws.from_seeds(seeds, *by))
    _, of_levels, of_x = draw(tf.range(400, dtype=tf.int64))
    noise = np.concatenate([of_levels, of_x], axis=1)
    assert noise.shape == (400, 2 + 4 + 3 + 2)
    assert np.abs(np.corrcoef(noise.T) - np.eye(11)).max() < 0.2


def test_a_start_finds_groups_of_styles():
    """Two clusters of latents that move along a line each, on which they sit at one of two places: z and c."""
    rng = np.random.default_rng(0)
    z, c = rng.integers(2, size=(2, 600))
    place = (2.0 * c - 1.0) + 0.2 * rng.normal(size=600)
    latents = np.stack([10.0 * z, 3 * place, 3 * place, 2 * place], axis=1) + 0.1 * rng.normal(size=(600, 4))
    encoding = {
        "x_mean": latents,
        "x_log_var": np.full((600, 4), -6.0, "float32"),
        "features": latents @ np.eye(4, 5),
    }
    model = small(MixturePrior(2, 1, component_prior="learned"), latent_dim=4)
    labels = np.eye(4, dtype="float32")[z]
    (groups,) = heads.set_up(model, encoding, labels, 1, 0)
    found = groups.argmax(axis=1)
    assert groups.shape == (600, 2) and max(np.mean(found == c), np.mean(found != c)) > 0.98
    np.testing.assert_allclose(model.style_prior.component_prior.probabilities, groups.mean(axis=0), rtol=1e-3)
    # The heads that were set up say the same of the features.
    w, v = (head(tf.constant(encoding["features"], "float32"))[0] for head in (model.w_head, *model.style_heads))
    (log_resp,) = model.style_prior.log_responsibilities(w, v)
    assert np.mean(log_resp.numpy().argmax(axis=1) == found) > 0.98


def test_the_guided_training_goes_by_the_priors_of_all_levels(table):
    model = small(MixturePrior(3, 4, style_prior=MixturePrior(2, 3)))
    model.compile(FusedAdam(1e-3))
    given = tf.one_hot(np.arange(8) % 4, 4)
    _, (_, *means) = GuidedTraining(model).loss_and_terms((tf.constant(table), given))
    model.sampler.reset()
    sampled = model.sampled(tf.constant(table), training=True, num_samples=1)
    expected = model.style_prior.kl(*sampled.styles)[0].total
    assert float(ElboTerms(*means).w_prior) == pytest.approx(np.mean(expected), rel=1e-5)


def test_without_factors_there_are_no_groups():
    model = small(MixturePrior(2, 1), latent_dim=4)
    latents = np.random.default_rng(0).normal(size=(50, 4))
    encoding = {"x_mean": latents, "x_log_var": np.zeros((50, 4), "float32"), "features": latents @ np.eye(4, 5)}
    assert heads.set_up(model, encoding, np.eye(4, dtype="float32")[np.arange(50) % 4], 0, 0) == []
