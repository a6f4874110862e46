"""What a trained model answers."""

import math
import threading

import numpy as np
import pytest
import tensorflow as tf

import tf_gmvae


@pytest.fixture(scope="module")
def model(make_table_model, table):
    """A trained model, which the tests leave as it was."""
    model = make_table_model()
    model.fit(table, epochs=5, batch_size=50, verbose=0)
    return model


def test_embed_returns_the_means_of_both_latents(model, table):
    embedding = model.embed(table, batch_size=64)
    encoding = model.encode(tf.constant(table))
    np.testing.assert_allclose(embedding.x, encoding.x_mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(embedding.w, encoding.w_mean, rtol=1e-5, atol=1e-6)


def test_arrays_and_data_sets_give_the_same_answers(model, table):
    labels = np.zeros(len(table), "int64")
    labelled = tf.data.Dataset.from_tensor_slices((table, labels)).batch(33)
    for method in (model.embed, model.reconstruct, model.score):
        for ours, theirs in zip(method(table), method(labelled), strict=True):
            assert ours.shape == theirs.shape
    np.testing.assert_allclose(model.embed(table).x, model.embed(labelled).x, rtol=1e-5, atol=1e-6)


def test_the_log_posterior_goes_on_where_the_posterior_is_one(model, table):
    log_posterior = model.log_posterior(table, batch_size=64)
    posterior = model.predict(table, verbose=0)
    np.testing.assert_allclose(np.exp(log_posterior), posterior, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.examine(table).log_posterior, log_posterior, rtol=1e-4, atol=1e-4)
    weights = model.get_weights()
    # All but the first component far away from the latents: the posterior is 1 and 0, its logarithm is not.
    model.prior_head.assign_components(
        30.0 * np.arange(4)[:, None] * np.ones((4, 3)), np.zeros((4, 0, 3)), np.zeros((4, 3))
    )
    try:
        assert len(np.unique(model.predict(table, verbose=0)[:, 0])) == 1
        assert len(np.unique(model.log_posterior(table)[:, 1])) > 150
        assert model.log_posterior(table).dtype == "float32"
    finally:
        model.set_weights(weights)


def test_reconstruct_is_the_mean_of_the_decoder_at_the_mean(model, table):
    params = model.decode(model.encode(tf.constant(table)).x_mean)
    np.testing.assert_allclose(model.reconstruct(table), params[:, :6], rtol=1e-5, atol=1e-6)


def test_score_is_the_elbo_of_evaluate_example_by_example(model, table):
    scores = model.score(table, batch_size=50)
    assert scores.elbo.shape == (200,)
    evaluated = model.evaluate(table, batch_size=50, verbose=0, return_dict=True)
    np.testing.assert_allclose(scores.elbo.mean(), evaluated["elbo"], rtol=1e-5)
    np.testing.assert_allclose(
        scores.elbo, scores.reconstruction - scores.conditional_prior - scores.w_prior - scores.z_prior, rtol=1e-5
    )
    np.testing.assert_array_equal(model.score(table, batch_size=50).elbo, scores.elbo)


def test_threads_that_ask_at_a_time_have_the_same_noise(model, table):
    alone, together = model.score(table, batch_size=50).elbo, []
    other = threading.Thread(target=lambda: together.append(model.score(table, batch_size=50).elbo))

    def batches():
        yield table[:50]
        other.start()  # between the batches of this one
        other.join(0.2)
        yield from np.split(table[50:], 3)

    found = model.score(batches()).elbo
    other.join()
    for each in (found, *together):
        np.testing.assert_array_equal(each, alone)


def test_what_loads_the_batches_may_ask_the_same_model(model, table):
    """Keras has generators in a thread of their own, for which nobody may wait."""
    alone = model.score(table, batch_size=50).elbo

    def batches():
        for batch in np.split(table, 4):
            np.testing.assert_array_equal(model.score(batch).elbo, model.score(batch).elbo)
            yield batch

    np.testing.assert_array_equal(model.score(batches()).elbo, alone)
    assert np.isfinite(model.evaluate(batches(), verbose=0)).all()


def test_an_outlier_scores_lower_than_the_data(model, table):
    outlier = np.full((1, 6), 40.0, "float32")
    assert model.score(outlier).elbo[0] < model.score(table).elbo.min()


def test_the_importance_weighted_bound_tightens_with_its_samples(model, table):
    elbo = model.score(table).elbo.mean()
    few, many = (model.log_likelihood(table, num_importance_samples=s).mean() for s in (1, 200))
    # With one sample the bound is a noisier estimate of a tighter ELBO: z is summed out.
    assert few > elbo - 1.0
    assert many > few


def test_the_importance_weighted_bound_finds_a_known_likelihood(make_table_model):
    # A decoder that ignores x makes p(y) the decoder's own Gaussian, whatever the latents do, so the
    # remaining weights p(x, w) / q(x, w | y) average to one: the estimate must near log p(y) as S grows.
    model = make_table_model(latent_dim=1, style_dim=1, num_components=2)
    last = model.decoder.layers[-1]
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    examples = np.zeros((3, 6), "float32")
    exact = -0.5 * 6 * math.log(2 * math.pi)
    estimate = model.log_likelihood(examples, num_importance_samples=20_000)
    np.testing.assert_allclose(estimate, exact, atol=0.05)


def test_generate_is_repeatable_and_honours_component_and_style(model):
    chosen = model.generate(6, component=2, w=np.zeros(2), seed=5)
    assert chosen.shape == (6, 6)
    np.testing.assert_array_equal(chosen, model.generate(6, component=2, w=np.zeros(2), seed=5))
    assert np.abs(chosen - model.generate(6, component=2, w=np.zeros(2), seed=6)).max() > 0
    assert np.abs(chosen - model.generate(6, component=1, w=np.zeros(2), seed=5)).max() > 0
    assert np.abs(chosen - model.generate(6, component=2, w=np.ones(2), seed=5)).max() > 0
    np.testing.assert_array_equal(
        model.generate(component=[2, 1], seed=5)[1], model.generate(component=[0, 1], seed=5)[1]
    )


def test_generate_draws_x_from_the_chosen_component(model):
    w = np.array([0.5, -1.0], "float32")
    means, log_vars = model.mixture_prior(w[None])
    # A linear read-out of x through the distribution of many samples: decode the exact moments' samples.
    noise = np.random.default_rng(3)
    noise.integers(4, size=500)
    noise.standard_normal((500, 2))
    x = means[0, 3] + np.exp(0.5 * log_vars[0, 3]) * noise.standard_normal((500, 3)).astype("float32")
    expected = model.likelihood.mean(model.decode(x))
    np.testing.assert_allclose(model.generate(500, component=3, w=w, seed=3), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"component": 4}, "from 0 to 3"),
        ({"component": -1}, "from 0 to 3"),
        ({"component": 1.5}, "must be an integer"),
        ({"w": np.zeros(3)}, r"\(2,\) or \(N, 2\)"),
        (
            {"num_examples": 3, "component": [0, 1]},
            "`component` has 2 entries for num_examples=3: give as many, or",
        ),
        (
            {"component": [0, 1, 2], "w": np.zeros((1, 2))},
            "`w` has 1 entry and `component` 3: give as many of both",
        ),
        ({"component": []}, "`component` has 0 entries: give one for each example"),
        ({"num_examples": 0}, "num_examples=0"),
        ({"num_examples": 2.5}, "`num_examples` must be an integer"),
        ({"component": [[0, 1]]}, "`component` must be an integer, or a list"),
        ({"component": [[0, 1], [2]]}, "`component` must be an integer, or a list"),
        ({"w": [0.0, np.nan]}, "`w` holds values that are NaN or infinite: repair them."),
        ({"w": [0.0, 1e300]}, "`w` holds values that are NaN or infinite: repair them."),
        ({"w": np.zeros((1, 1, 2))}, r"\(2,\) or \(N, 2\)"),
        ({"w": ["a", "b"]}, "`w` must be numbers"),
        ({"seed": -1}, "`seed` must be an integer >= 0"),
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1"),
    ],
)
def test_generate_names_what_it_cannot_do(model, arguments, message):
    with pytest.raises(tf_gmvae.InputError, match=message):
        model.generate(**arguments)


def test_a_likelihood_of_no_samples_is_refused(model, table):
    with pytest.raises(tf_gmvae.InputError, match="`num_importance_samples` must be an integer >= 1"):
        model.log_likelihood(table, num_importance_samples=0)


def test_distributions_agree_with_the_model(model, table):
    examples = table[:5]
    found = model.distributions(examples)
    x_mean, x_log_var, w_mean, w_log_var = model.encode(examples)[:4]
    for q, mean, log_var in ((found.q_x, x_mean, x_log_var), (found.q_w, w_mean, w_log_var)):
        np.testing.assert_allclose(q.mean(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(q.variance(), np.exp(log_var), rtol=1e-5)
    np.testing.assert_allclose(
        found.p_z.probs_parameter(), model.predict(examples, verbose=0), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(found.p_y.mean(), model.reconstruct(examples), rtol=1e-5, atol=1e-6)
    assert found.q_w.sample(7).shape == (7, 5, 2)
    # The mixture of TFP against Bayes' rule: p(x | w) p(z | x, w) = p(z) p(x | w, z).
    x = found.q_x.sample(seed=1)
    encoding = model.encode(examples)
    means, log_vars = model.mixture_prior(encoding.w_mean)
    joint = tf_gmvae.objective.component_log_densities(x, means, log_vars) - math.log(4)
    responsibilities = tf_gmvae.objective.log_responsibilities(x, means, log_vars)
    np.testing.assert_allclose(found.p_x.log_prob(x)[:, None] + responsibilities, joint, rtol=1e-4, atol=1e-4)


def test_what_has_no_cluster_has_no_other_answer_either(model):
    too_large = np.array([[0.0] * 6, [1e20] * 6], "float32")
    for ask in (model.embed, model.reconstruct, model.log_likelihood):
        with pytest.raises(tf_gmvae.InputError, match="answer to example 1 is no number"):
            ask(too_large)


def test_no_example_is_an_error(model):
    with pytest.raises(tf_gmvae.InputError, match="empty"):
        model.embed(np.zeros((0, 6), "float32"))
