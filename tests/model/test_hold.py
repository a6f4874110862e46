"""Holding on to the clusters of a start: what is added to the objective, what it keeps, and what it asks for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_gmvae
from tf_gmvae import InputError, objective
from tf_gmvae.optimizer import FusedAdam


def assignments_of(count, num_components=4):
    return np.eye(num_components, dtype="float32")[np.arange(count) % num_components] * 0.96 + 0.01


def test_the_loss_is_the_objective_and_a_cross_entropy_by_loops(make_table_model, table, monkeypatch):
    held, bare = make_table_model(hold=7.0, num_samples=2), make_table_model(num_samples=2)
    bare.set_weights(held.get_weights()[: len(bare.get_weights())])
    examples, given = table[:10], assignments_of(10)
    for model in (held, bare):
        model.sampler.reset()
    called, by_bayes = [], objective.log_responsibilities
    with monkeypatch.context() as counting:
        counting.setattr(objective, "log_responsibilities", lambda *of: called.append(1) or by_bayes(*of))
        loss, _ = held.training_loss((tf.constant(examples), tf.constant(given)), training=True)
    assert len(called) == 1  # what is largest of a step is computed for both
    plain, _ = bare.training_loss(tf.constant(examples), training=True)
    held.sampler.reset()
    sampled = held.sampled(tf.constant(examples), training=True)
    expected = 0.0
    for j in range(2):
        for i in range(10):
            x = sampled.x[j, i].numpy().astype("float64")
            means, log_vars = (part[j, i].numpy().astype("float64") for part in (sampled.means, sampled.log_vars))
            logs = -0.5 * np.sum(np.log(2 * np.pi) + log_vars + (x - means) ** 2 / np.exp(log_vars), axis=1)
            log_resp = logs - np.logaddexp.reduce(logs)
            expected -= np.sum(given[i] * log_resp) / 20
    assert float(loss) == pytest.approx(float(plain) + 7.0 * expected, rel=1e-4)


def test_the_terms_are_those_of_the_views(digits):
    images, given = digits[0][:10], tf.constant(assignments_of(10))
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=4, seed=0, hold=5.0)
    losses = []
    for shown, view in ((images, tf.zeros_like), (0 * images, tf.identity), (images, tf.identity)):
        model.view = view
        model.sampler.reset()
        losses.append(float(model.training_loss((tf.constant(shown), given), training=True)[0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-2)


def test_training_keeps_the_clusters_it_was_given(make_table_model, table):
    # Quarters of the plane of two columns, which nothing but hold would make of the components.
    above = table[:, :2] > np.median(table[:, :2], axis=0)
    given = assignments_of(4)[2 * above[:, 0] + above[:, 1]]
    kept = []
    for hold in (0.0, 50.0):
        model = make_table_model(hold=hold, num_samples=1)
        model.compile(FusedAdam(6e-3))
        model.fit(table, given, batch_size=50, epochs=30, verbose=0)
        kept.append(np.mean(model.predict(table, verbose=0).argmax(axis=1) == given.argmax(axis=1)))
    assert kept[1] > 0.8
    assert kept[0] < 0.6


def test_a_model_that_holds_sees_views_is_saved_and_goes_on_alike(digits, tmp_path):
    images, given = digits[0][:100], assignments_of(100)
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=4, seed=0, hold=5.0)
    model.compile(FusedAdam(1e-3))
    before = model.view.seed_generator.state.numpy()
    model.fit(images, given, batch_size=50, shuffle=False, verbose=0)
    assert (model.view.seed_generator.state.numpy() != before).any()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.hold == 5.0
    losses = [one.fit(images, given, batch_size=50, shuffle=False, verbose=0).history for one in (model, loaded)]
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-5)
    # Scores are of the examples as they are, and of the paper's objective alone.
    scores = model.evaluate(images, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(-scores["elbo"], rel=1e-4)


def test_weights_go_from_a_model_that_holds_nothing_to_one_that_does(make_table_model, table, tmp_path):
    bare, held = make_table_model(), make_table_model(hold=5.0, seed=1)
    bare.save_weights(tmp_path / "bare.weights.h5")
    state = held.view.seed_generator.state.numpy()
    held.load_weights(tmp_path / "bare.weights.h5")  # which knows nothing of views
    np.testing.assert_array_equal(held.predict(table, verbose=0), bare.predict(table, verbose=0))
    np.testing.assert_array_equal(held.view.seed_generator.state, state)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "examples alone"),
        (np.arange(200), r"shape \(N, 4\).* shape \(200,\)"),
        (assignments_of(200, 3), r"shape \(N, 4\).* shape \(200, 3\)"),
    ],
)
def test_without_assignments_there_is_a_sentence(make_table_model, table, given, message):
    model = make_table_model(hold=1.0)
    with pytest.raises(InputError, match=message):
        model.fit(table, given, verbose=0)


@pytest.mark.parametrize("hold", [-1, float("nan"), "much"])
def test_bad_weights_get_a_sentence(make_table_model, hold):
    with pytest.raises(InputError, match="`hold` must be a number of nats >= 0"):
        make_table_model(hold=hold)
