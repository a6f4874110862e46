"""GMVAE as a Keras model: what it computes and how it trains."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import references

import tf_gmvae

TERMS = ("reconstruction", "conditional_prior", "w_prior", "z_prior")


def samples_of(model, examples):
    """The x (M, B, D) and w (M, B, W) that the next evaluation will draw."""
    encoding = model.encode(examples)
    model.evaluation_sampler.reset()
    drawn = [model.evaluation_sampler(*encoding[:2]), model.evaluation_sampler(*encoding[2:])]
    model.evaluation_sampler.reset()
    return [np.asarray(sample, "float64") for sample in drawn]


def reference_terms(model, examples):
    """The four terms of Eq. 4 by plain loops over samples and components."""
    x, w = samples_of(model, examples)
    encoding = [np.asarray(stream, "float64") for stream in model.encode(examples)]
    means, log_vars = (np.asarray(part, "float64") for part in model.mixture_prior(w.astype("float32")))
    mean, log_var = np.split(np.asarray(model.decode(x.astype("float32")), "float64"), 2, axis=-1)
    log_likelihood = np.array(
        [
            [references.gaussian_log_density(examples[b], mean[j, b], log_var[j, b]) for b in range(len(examples))]
            for j in range(len(x))
        ]
    )
    return references.elbo_terms(log_likelihood, x, encoding[:2], encoding[2:], means, log_vars)


@pytest.mark.parametrize("num_samples", [1, 3])
@pytest.mark.parametrize("num_components", [1, 5])
def test_evaluate_logs_the_terms_of_the_paper(make_table_model, table, num_samples, num_components):
    model = make_table_model(num_samples=num_samples, num_components=num_components)
    examples = table[:20]
    expected = reference_terms(model, examples)
    logged = model.evaluate(examples, batch_size=20, verbose=0, return_dict=True)
    for name, term in zip(TERMS, expected, strict=True):
        np.testing.assert_allclose(logged[name], np.mean(term), rtol=2e-4, atol=1e-5, err_msg=name)
    elbo = expected[0] - expected[1] - expected[2] - expected[3]
    np.testing.assert_allclose(logged["elbo"], np.mean(elbo), rtol=2e-4)
    np.testing.assert_allclose(logged["loss"], -np.mean(elbo), rtol=2e-4)


def test_a_smaller_last_batch_counts_by_its_examples(make_table_model, table):
    logged = make_table_model().evaluate(table[:5], batch_size=4, verbose=0, return_dict=True)
    assert logged["loss"] == pytest.approx(-logged["elbo"], rel=1e-5)


def test_the_constraint_changes_the_loss_and_never_the_elbo(make_table_model, table):
    plain = make_table_model().evaluate(table, batch_size=200, verbose=0, return_dict=True)
    held = make_table_model(min_information=1.3).evaluate(table, batch_size=200, verbose=0, return_dict=True)
    assert plain["z_prior"] < 1.3
    assert held["elbo"] == plain["elbo"]
    np.testing.assert_allclose(held["loss"], plain["loss"] - plain["z_prior"] + 1.3, rtol=1e-5)


def test_predict_is_bayes_rule_at_the_means(make_table_model, table):
    model = make_table_model()
    x, _, w, _ = (np.asarray(stream, "float64") for stream in model.encode(table))
    means, log_vars = (np.asarray(part, "float64")[None] for part in model.mixture_prior(w.astype("float32")))
    expected = np.exp(references.log_responsibilities(x[None], means, log_vars))[0]
    posterior = model.predict(table, verbose=0)
    np.testing.assert_allclose(posterior, expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(model.predict(table, verbose=0), posterior)


def test_training_raises_the_elbo_and_labels_are_ignored(make_table_model, table):
    labels = np.arange(len(table))
    unlabelled = tf.data.Dataset.from_tensor_slices(table).batch(50)
    labelled = tf.data.Dataset.from_tensor_slices((table, labels)).batch(50)
    without, with_labels = (make_table_model().fit(d, epochs=3, verbose=0) for d in (unlabelled, labelled))
    assert without.history == with_labels.history
    assert without.history["elbo"][-1] > without.history["elbo"][0] + 1.0


def test_the_seed_decides_the_whole_training(make_table_model, table):
    histories = [
        make_table_model(seed=seed).fit(table, epochs=2, batch_size=50, shuffle=False, verbose=0).history
        for seed in (0, 0, 1)
    ]
    assert histories[0] == histories[1]
    assert histories[0]["elbo"] != histories[2]["elbo"]


def test_validating_does_not_change_the_training(make_table_model, table):
    fit = {"epochs": 3, "batch_size": 50, "shuffle": False, "verbose": 0}
    alone, validated = make_table_model(), make_table_model()
    alone.fit(table, **fit)
    validated.fit(table, validation_data=(table[:30],), **fit)
    for ours, theirs in zip(alone.get_weights(), validated.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_every_trainable_weight_gets_a_finite_gradient():
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, num_samples=2, seed=0)
    examples = np.random.default_rng(0).random((8, 8, 8, 1)).astype("float32")
    with tf.GradientTape() as tape:
        loss, _ = model.training_loss(examples, training=True)
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
    ):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_regularisers_of_the_users_networks_enter_the_loss(make_table_model, table):
    model = make_table_model()
    before = model.evaluate(table, verbose=0, batch_size=200, return_dict=True)
    dense = model.encoder.layers[-1]
    dense.kernel_regularizer = keras.regularizers.L2(0.5)
    dense.kernel.regularizer = dense.kernel_regularizer
    model.compile()
    after = model.evaluate(table, verbose=0, batch_size=200, return_dict=True)
    np.testing.assert_allclose(
        after["loss"] - before["loss"], 0.5 * np.square(dense.kernel.numpy()).sum(), rtol=1e-4
    )
    assert after["elbo"] == before["elbo"]


def test_the_papers_optimizer_is_the_default(make_table_model):
    model = make_table_model()
    model.compile()
    config = model.optimizer.get_config()
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert [config[name] for name in ("beta_1", "beta_2", "epsilon")] == [0.9, 0.999, 1e-8]
    assert config["learning_rate"] == pytest.approx(1e-4)


def test_an_unknown_number_of_columns_gets_a_sentence(make_table_model):
    unknown = keras.Sequential([keras.layers.Dense(8)])
    model = make_table_model()
    model = tf_gmvae.GMVAE(
        unknown, model.decoder, latent_dim=3, style_dim=2, num_components=4, likelihood="gaussian", prior_units=()
    )
    with pytest.raises(
        tf_gmvae.InputError, match="must be known. Received: examples of shape .None,.*Give the encoder"
    ):
        model.build((None, None))


def test_networks_without_input_shape_are_built_by_their_data(table):
    encoder = keras.Sequential([keras.layers.Dense(8)])
    decoder = keras.Sequential([keras.layers.Dense(6)])
    model = tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=2, style_dim=2, num_components=3, likelihood="unit_gaussian", seed=0
    )
    model.compile()
    model.fit(table, epochs=1, verbose=0)
    assert model.predict(table, verbose=0).shape == (200, 3)
    assert model.data_shape == (6,)


def test_a_subclass_can_change_the_encoding(make_table_model, table):
    class Shifted(tf_gmvae.GMVAE):
        def encode(self, examples, training=False):
            encoding = super().encode(examples, training)
            return encoding._replace(x_mean=encoding.x_mean + 3.0)

    plain, shifted = make_table_model(), make_table_model(cls=Shifted)
    np.testing.assert_allclose(shifted.embed(table).x, plain.embed(table).x + 3.0, rtol=1e-5)
    ours, theirs = (m.evaluate(table, verbose=0, return_dict=True) for m in (shifted, plain))
    assert ours["conditional_prior"] > theirs["conditional_prior"] + 1.0


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("num_components", 0, "`num_components` must be an integer >= 1. Received: num_components=0"),
        ("num_samples", 0, "`num_samples` must be an integer >= 1. Received: num_samples=0"),
        ("num_samples", 1.5, "Received: num_samples=1.5"),
        ("style_dim", -1, "Received: style_dim=-1"),
        ("min_information", -0.1, "`min_information` must be a number of nats >= 0. Received: .*=-0.1"),
        ("min_information", math.nan, "Received: min_information=nan"),
        ("likelihood", "gauss", "must be one of bernoulli.*Received: likelihood='gauss'"),
        ("likelihood", ["gaussian"], "must be one of bernoulli.*Received: likelihood=.'gaussian'"),
        ("prior_units", 5, "`prior_units` must be a tuple of integers >= 1. Received: prior_units=5"),
        ("prior_units", (8, 0), r"Received: prior_units=\(8, 0\)"),
        ("seed", -1, "`seed` must be an integer >= 0 or None. Received: seed=-1"),
    ],
)
def test_bad_arguments_are_named(make_table_model, argument, value, message):
    with pytest.raises(tf_gmvae.InputError, match=message):
        make_table_model(**{argument: value})


def test_a_constraint_that_switches_the_term_off_is_a_warning(make_table_model):
    with pytest.warns(UserWarning, match=r"min_information=1.4 is not below log K = 1.386.*switched off"):
        make_table_model(min_information=1.4)


def test_networks_that_do_not_fit_are_named():
    flat = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    maps = keras.Sequential([keras.Input((6,)), keras.layers.Reshape((3, 2))])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    sizes = {"latent_dim": 2, "style_dim": 2, "num_components": 3}
    with pytest.raises(tf_gmvae.InputError, match=r"gaussian likelihood the decoder must return \(None, 12\)"):
        tf_gmvae.GMVAE(flat, decoder, likelihood="gaussian", **sizes)
    with pytest.raises(tf_gmvae.InputError, match=r"encoder must return features .*\(None, 3, 2\)"):
        tf_gmvae.GMVAE(maps, decoder, likelihood="unit_gaussian", **sizes)


@pytest.mark.parametrize("argument", ["loss", "metrics"])
def test_a_loss_of_the_users_is_refused_rather_than_ignored(make_table_model, argument):
    with pytest.raises(tf_gmvae.InputError, match=f"without {argument}"):
        make_table_model().compile(**{argument: ["mse"]})
