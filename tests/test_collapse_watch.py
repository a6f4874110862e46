"""The watch names the three failures, and only those that are there."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tf_gmvae import diagnostics, evaluation
from tf_gmvae.callbacks import StopAfterSeconds, TestScores, TrainingSeconds
from tf_gmvae.collapse_watch import CollapseWatch

FIGURES = {"components_in_use", "usage_entropy", "posterior_entropy", "active_x", "active_w"}


def certain(clusters, num_components):
    return np.eye(num_components)[clusters]


def test_entropies_of_known_posteriors():
    uniform, alternating = np.full((6, 4), 0.25), certain(np.arange(6) % 2, 4)
    assert diagnostics.usage_entropy(uniform) == pytest.approx(math.log(4))
    assert diagnostics.posterior_entropy(uniform) == pytest.approx(math.log(4))
    assert diagnostics.usage_entropy(alternating) == pytest.approx(math.log(2))
    assert diagnostics.posterior_entropy(alternating) == 0
    skewed = np.tile([0.5, 0.25, 0.25], (3, 1))
    assert diagnostics.posterior_entropy(skewed) == pytest.approx(1.5 * math.log(2))


def test_summary_counts_active_dimensions():
    rng = np.random.default_rng(0)
    figures = diagnostics.summary(
        certain(np.arange(500) % 3, 4), rng.normal(0, [1, 0.01, 2], (500, 3)), rng.normal(0, [0.01, 0.5], (500, 2))
    )
    assert figures.keys() == FIGURES
    assert (figures["components_in_use"], figures["active_x"], figures["active_w"]) == (3, 2, 1)


def test_style_information_is_that_of_a_linear_gaussian_channel():
    w = np.random.default_rng(0).normal(size=(20_000, 1, 1))
    gains = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    noise = np.tile(np.log([0.25, 1.0, 1.0]), (20_000, 2, 1))
    # One component moves by 2 at a deviation of 0.5, the other not at all: half of 1/2 log(1 + 16).
    expected = 0.25 * math.log(17)
    assert diagnostics.style_information(w * gains, noise) == pytest.approx(expected, rel=0.01)
    assert diagnostics.style_information(0 * w * gains, noise) == 0


@pytest.mark.parametrize(
    ("posterior", "w_prior", "expected"),
    [
        (certain(np.arange(100) % 10, 10), 3.0, []),
        (certain(np.zeros(100, int), 10), 3.0, ["One component takes nearly all"]),
        (np.full((100, 10), 0.1), 3.0, ["All components overlap"]),
        (certain(np.arange(100) % 10, 10), 0.01, ["w is ignored"]),
        (certain(np.zeros(100, int), 10), 0.01, ["One component takes nearly all", "w is ignored"]),
        (np.ones((100, 1)), 3.0, []),
        (certain(np.arange(100) % 10, 10), None, []),
    ],
)
def test_verdicts(posterior, w_prior, expected):
    means = np.zeros((len(posterior), 2))
    figures = diagnostics.summary(posterior, means, means)
    found = diagnostics.verdicts(figures, posterior.shape[1], w_prior)
    assert len(found) == len(expected)
    for sentence, beginning in zip(found, expected, strict=True):
        assert sentence.startswith(beginning)
        assert "initialize" in sentence


@pytest.fixture
def collapsed(make_table_model):
    """A model that puts everything into component 2 and learns too slowly to leave it."""
    model = make_table_model(num_components=4)
    bias = model.prior_head.means.bias.numpy().reshape(4, 3)
    bias[[0, 1, 3]] = 50.0
    model.prior_head.means.bias.assign(bias.reshape(-1))
    model.optimizer.learning_rate = 1e-6
    return model


def test_a_collapse_is_told_in_its_first_epoch_and_once(collapsed, table, tmp_path, capsys):
    watch = CollapseWatch(table, log_dir=tmp_path)
    history = collapsed.fit(table, epochs=3, verbose=0, callbacks=[watch]).history
    said = capsys.readouterr().out
    assert said.count("One component takes nearly all examples") == 1
    assert said.startswith("\nEpoch 1: ")
    assert history.keys() >= FIGURES
    assert history["components_in_use"] == [1, 1, 1]
    assert watch.verdicts[0].startswith("One component takes nearly all")
    events = [
        value
        for path in sorted(tmp_path.glob("events*"))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    texts = [value.tensor.string_val[0].decode() for value in events if value.tag == "collapse"]
    assert len(texts) == 3
    assert all(text.startswith("One component") for text in texts)
    assert {"activity_x", "activity_w"} <= {value.tag for value in events}


def test_dead_components_are_revived(collapsed, table):
    collapsed.fit(table, epochs=1, verbose=0, callbacks=[CollapseWatch(table, revive=True)])
    assert len(np.unique(collapsed.predict(table, verbose=0).argmax(axis=1))) >= 3


def test_training_stops_when_the_time_is_spent(make_table_model, table):
    def epochs(**budget):
        callbacks = [TrainingSeconds(), StopAfterSeconds(**budget)]
        return len(make_table_model().fit(table, epochs=4, verbose=0, callbacks=callbacks).history["loss"])

    assert epochs(seconds=0.0) == 1
    assert epochs(seconds=1000.0) == 4
    assert epochs(seconds=1000.0, spent=1000.0) == 1


def test_scores_of_a_labelled_split_join_the_history(make_table_model, table):
    labels = np.arange(len(table)) % 2
    model = make_table_model()
    history = model.fit(table, epochs=2, verbose=0, callbacks=[TestScores(table, labels)]).history
    log_posterior = model.log_posterior(table)
    expected = evaluation.scores(np.exp(log_posterior), labels, log_posterior)
    assert {name: values[-1] for name, values in history.items() if name.startswith("test_")} == {
        f"test_{name}": value for name, value in expected.items() if value is not None
    }
    assert len(history["test_accuracy_table1"]) == 2
    assert all(0.4 <= value <= 1 for value in history["test_accuracy_majority"])
    assert "test_accuracy_hungarian" not in history  # four components, two classes
