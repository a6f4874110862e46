"""The watch names the failures that are there, and only those, with remedies that work."""

import math

import numpy as np
import pandas
import pytest
import tensorflow as tf

from tf_gmvae import InputError, evaluation
from tf_gmvae.callbacks import StopAfterSeconds, TestPart, TrainingSeconds
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.evaluation import diagnostics

FIGURES = {"components_in_use", "usage_entropy", "posterior_entropy", "active_x", "active_w"}
TERMS = {"loss", "elbo", "reconstruction", "conditional_prior", "w_prior", "z_prior"}


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
    for figure in (diagnostics.usage_entropy, diagnostics.posterior_entropy, diagnostics.activity):
        with pytest.raises(InputError, match=r"shape \(0, 3\)"):
            figure(np.zeros((0, 3)))


def test_usage_of_more_examples_than_single_precision_counts():
    one = np.array([[1.0, 0.0]], "float32")
    assert diagnostics.usage_entropy(np.broadcast_to(one, (2**24 + 2**23, 2))) == 0


def test_figures_of_frames_and_lists_are_those_of_arrays():
    rows = np.random.default_rng(0).dirichlet([1, 1, 1], 60)
    rows[:, 2] = 0
    for kind in (pandas.DataFrame, np.ndarray.tolist):
        given = kind(rows)
        assert diagnostics.usage_entropy(given) == pytest.approx(diagnostics.usage_entropy(rows))
        assert diagnostics.level_verdicts(given, 2) == diagnostics.level_verdicts(rows, 2)
        assert diagnostics.merged_components(kind(rows), kind(rows)) == diagnostics.merged_components(rows, rows)
        np.testing.assert_allclose(diagnostics.activity(given), np.var(rows, axis=0))


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


def spread(used, num_components, examples=100):
    """Every posterior uniform over the first components."""
    return np.tile(np.repeat([1 / used, 0.0], [used, num_components - used]), (examples, 1))


def seen(posterior, w_prior=3.0, initialized=False):
    """Verdicts on a posterior."""
    means, k = np.zeros((len(posterior), 2)), posterior.shape[1]
    counts = np.bincount(posterior.argmax(axis=1), minlength=k)
    return diagnostics.verdicts(diagnostics.summary(posterior, means, means), k, w_prior, counts, initialized)


@pytest.mark.parametrize(
    ("posterior", "w_prior", "expected"),
    [
        (certain(np.zeros(100, int), 10), 3.0, ["One component takes nearly all examples: the entropy"]),
        (np.full((100, 10), 0.1), 3.0, ["All components overlap: an average example is shared by 10.0 of 10"]),
        (np.full((100, 2), 0.5), 3.0, ["All components overlap: an average example is shared by 2.0 of 2"]),
        (spread(5, 10), 3.0, ["Components overlap: an average example is shared by 5.0 of 10 components"]),
        # Two of ten at each place, as when pairs of components have become one.
        (
            np.kron(certain(np.arange(100) % 5, 5), [[0.5, 0.5]]),
            3.0,
            ["Components overlap: an average example is shared by 2.0 of 10 components"],
        ),
        (spread(3, 10), 3.0, ["Components overlap: an average", "Few components are used: about 3.0 of 10"]),
        (certain(np.arange(100) % 2, 10), 3.0, ["Few components are used: about 2.0 of 10 hold the examples"]),
        (
            # A report said that no collapse was seen of such a run.
            certain(np.repeat(np.arange(10), [2, 86, 34, 34, 34, 34, 34, 34, 34, 33]), 10),
            3.0,
            ["Starved components: of 359 examples component 0 holds 2, where an equal share is 36. Unless your"],
        ),
        (
            certain(np.repeat(np.arange(16), [25] * 9 + [0] * 7), 16),
            3.0,
            [
                "Starved components: of 225 examples component 9 holds 0, component 10 holds 0, component 11 "
                "holds 0, component 12 holds 0, component 13 holds 0 and 2 more like it, where"
            ],
        ),
        (certain(np.arange(100) % 10, 10), 0.01, ["w is ignored: its divergence from the prior is 0.01 nats"]),
        (certain(np.arange(100) % 10, 10), 0.21, ["w fades: its divergence from the prior is 0.21 nats"]),
        (np.ones((100, 1)), 0.21, ["w fades"]),
        (certain(np.zeros(100, int), 10), 0.01, ["One component takes nearly all", "w is ignored"]),
    ],
)
def test_verdicts(posterior, w_prior, expected):
    found = seen(posterior, w_prior)
    assert len(found) == len(expected), found
    for sentence, beginning in zip(found, expected, strict=True):
        assert sentence.startswith(beginning)
        assert ("model.initialize(data) (flag --initialize)" in sentence) == (not sentence.startswith("w "))


@pytest.mark.parametrize("num_components", [1, 2, 3, 10, 30, 100])
@pytest.mark.parametrize("examples", [100, 359, 2000, 10_000])
def test_nothing_is_said_of_good_clusters(num_components, examples):
    # Of equal sizes, and as chance draws them.
    drawn = np.random.default_rng(examples).integers(num_components, size=examples)
    for clusters in (np.arange(examples) % num_components, drawn):
        assert seen(certain(clusters, num_components)) == []
    assert seen(certain(drawn, num_components), w_prior=None) == []
    between = (drawn + 1) % num_components  # two neighbours share every example, nine to one
    assert seen(0.9 * certain(drawn, num_components) + 0.1 * certain(between, num_components)) == []


def test_few_examples_cannot_show_many_components():
    assert seen(certain(np.arange(40), 100)) == []


def test_uneven_data_are_no_collapse():
    # The largest class holds 40 %, the smallest 2 %.
    sizes = [400, 200, 120, 80, 60, 50, 30, 20, 20, 20]
    assert seen(certain(np.repeat(np.arange(10), sizes), 10)) == []


def test_the_remedy_is_one_that_was_not_yet_taken():
    fewer, lower = "use fewer components (num_components).", "lower the learning rate, or use fewer"
    for posterior, instead in (
        (np.full((100, 10), 0.1), fewer),
        (spread(5, 10), fewer),
        (certain(np.zeros(100, int), 10), lower),
        (certain(np.arange(100) % 2, 10), lower),
        (certain(np.repeat(np.arange(10), [0, *[20] * 9]), 10), lower),
    ):
        bare, begun, loaded = (
            "".join(seen(posterior, initialized=known)).lower() for known in (False, True, None)
        )
        assert bare.endswith("begin with model.initialize(data) (flag --initialize).") and instead not in bare
        assert instead in begun and "initialize" not in begun
        assert "if it was trained without a start, begin with model.initialize(data)" in loaded
        assert f"if with one, {instead}" in loaded


@pytest.fixture
def collapsed(make_table_model, request):
    """A model that ignores w, puts everything into component 2 and learns too slowly to leave it."""
    model = make_table_model(num_components=4, component_prior=getattr(request, "param", "uniform"))
    model.component_prior.start_from(np.array([0, 0, 1, 0]))
    bias = model.prior_head.means.bias.numpy().reshape(4, 3)
    bias[[0, 1, 3]] = 50.0
    model.prior_head.means.bias.assign(bias.reshape(-1))
    for variable in model.w_head.trainable_variables:
        variable.assign(0 * variable)
    model.optimizer.learning_rate = 1e-6
    return model


def test_a_collapse_is_told_in_its_first_epoch_and_once(collapsed, table, tmp_path, capsys):
    watch = CollapseWatch(table, log_dir=tmp_path)
    history = collapsed.fit(table, epochs=3, verbose=0, callbacks=[watch]).history
    said = capsys.readouterr().out
    assert said.count("One component takes nearly all examples") == 1
    assert said.startswith("  Epoch 1: ")
    # These are columns of history.csv: another would stand under the wrong header of a run that goes on.
    assert history.keys() == FIGURES | TERMS
    assert history["components_in_use"] == [1, 1, 1]
    one, w = watch.verdicts
    assert one.startswith("One component takes nearly all")
    assert one.endswith("Begin with model.initialize(data) (flag --initialize).")  # it has not, and is not loaded
    assert w.startswith("w is ignored")
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


@pytest.mark.parametrize("collapsed", ["learned", pytest.param("uniform", marks=pytest.mark.slow)], indirect=True)
def test_each_dead_component_gets_its_part_of_the_busiest(collapsed, table):
    collapsed.fit(table, epochs=1, verbose=0, callbacks=[CollapseWatch(table, revive=True)])
    clusters = collapsed.predict(table, verbose=0).argmax(axis=1)
    assert np.bincount(clusters, minlength=4).min() > 20


def test_training_stops_when_the_time_is_spent(make_table_model, table):
    model = make_table_model()

    def epochs(**budget):
        callbacks = [TrainingSeconds(), StopAfterSeconds(**budget)]
        return len(model.fit(table, epochs=4, verbose=0, callbacks=callbacks).history["loss"])

    assert epochs(seconds=0.0) == 1
    assert epochs(seconds=1000.0) == 4
    assert epochs(seconds=1000.0, spent=1000.0) == 1


def test_scores_of_a_labelled_split_join_the_history(make_table_model, table):
    labels = np.arange(len(table)) % 2
    model = make_table_model(min_information=1.3)
    history = model.fit(table, epochs=2, verbose=0, callbacks=[TestPart(table, labels)]).history
    evaluated = model.evaluate(table, batch_size=256, verbose=0, return_dict=True)
    for name, value in evaluated.items():  # what Keras' own validation would have logged
        np.testing.assert_allclose(history[f"val_{name}"][-1], value, rtol=1e-5, err_msg=name)
    log_posterior = model.log_posterior(table)
    expected = evaluation.scores(np.exp(log_posterior), labels, log_posterior)
    assert {name: values[-1] for name, values in history.items() if name.startswith("test_")} == {
        f"test_{name}": value for name, value in expected.items() if value is not None
    }
    assert len(history["test_accuracy_table1"]) == 2
    assert all(0.4 <= value <= 1 for value in history["test_accuracy_majority"])
    assert "test_accuracy_hungarian" not in history  # four components, two classes
