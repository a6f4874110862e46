"""What the README promises of trainings: seeds, bounds, constraints, orders of the data, precisions, replicas."""

import textwrap
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import run_warm

import tf_gmvae
from layers import GaussianHead, MixturePriorHead
from layers.bounds import EXACT, LIMIT, bounded_log
from tf_gmvae import InputError, TrainingDivergedError, evaluation, likelihoods
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.sampling import reservoir
from tf_gmvae.start import clusters, initialization
from tf_gmvae.start.stages import GuidedTraining, Pretraining


def test_the_constraint_may_change_after_and_during_a_fit(make_table_model, table):
    def loss_less_z(model):
        logged = model.evaluate(table, batch_size=200, verbose=0, return_dict=True)
        return logged["loss"] + logged["elbo"] + logged["z_prior"], logged["z_prior"]

    model = make_table_model()
    model.fit(table, verbose=0)
    assert loss_less_z(model)[0] == pytest.approx(loss_less_z(model)[1], abs=1e-4)
    model.min_information = 1.3
    assert model.min_information == model.get_config()["min_information"] == 1.3
    assert loss_less_z(model)[0] == pytest.approx(1.3, abs=1e-4)

    class Raise(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.min_information = float(epoch)

    history = model.fit(table, epochs=2, batch_size=200, verbose=0, callbacks=[Raise()]).history
    held = np.array(history["loss"]) + history["elbo"] + history["z_prior"]
    np.testing.assert_allclose(held, np.maximum([0.0, 1.0], history["z_prior"]), atol=1e-4)
    with pytest.raises(InputError, match="must be a number of nats >= 0"):
        model.min_information = -1.0


@pytest.mark.parametrize(
    "name", ["num_samples", "num_components", "latent_dim", "style_dim", "likelihood", "seed"]
)
def test_what_a_model_was_built_from_cannot_change_in_name_alone(make_table_model, name):
    model = make_table_model()
    before = getattr(model, name)
    with pytest.raises(InputError, match=f"{name} is part of a model from its beginning: make a new GMVAE"):
        setattr(model, name, 7)
    assert getattr(model, name) is before


# Order of the data.


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_a_reservoir_draws_all_with_the_same_chance_and_in_order(batch_size):
    stream = np.arange(500)
    drawn = []
    for seed in range(400 if batch_size > 1 else 20):
        batches = (stream[i : i + batch_size] for i in range(0, 500, batch_size))
        examples, numbers = reservoir(batches, 50, seed)
        np.testing.assert_array_equal(examples, numbers)
        assert (np.diff(numbers) > 0).all() and len(numbers) == 50
        drawn.append(numbers)
    # Of 20,000 draws each tenth of the stream has 2,000, give or take four deviations of 42.
    shares = np.histogram(np.concatenate(drawn), 10, (0, 500))[0] / len(drawn)
    np.testing.assert_allclose(shares, 5, atol=0.45 if batch_size > 1 else 2.0)
    again, _ = reservoir((stream[i : i + batch_size] for i in range(0, 500, batch_size)), 50, seed)
    np.testing.assert_array_equal(again, numbers)


def test_a_reservoir_holds_a_short_stream_whole():
    examples, numbers = reservoir([np.arange(3), np.arange(3, 5)], 5, 0)
    np.testing.assert_array_equal(examples, range(5))
    np.testing.assert_array_equal(numbers, range(5))
    assert reservoir([], 5, 0) is None


def test_of_one_more_than_a_reservoir_holds_each_is_left_out_as_often():
    left = [3 - sum(reservoir([np.arange(3)], 2, seed)[1]) for seed in range(600)]
    counts = np.bincount(left)
    assert len(counts) == 3 and (abs(counts - 200) < 60).all(), counts  # five deviations


@pytest.mark.slow
def test_sorted_streams_start_as_well_as_shuffled_ones(make_table_model, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 300)
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 300)  # the first 300 are all of one class
    examples = (8 * np.eye(3, 6)[labels] + rng.normal(size=(900, 6))).astype("float32")
    model = make_table_model(num_components=3, num_samples=1, latent_dim=6)
    start = model.initialize(
        tf.data.Dataset.from_tensor_slices(examples).batch(100), max_examples=300, pretraining_epochs=1,
        guided_epochs=1, beta=0.1, verbose=0,
    )  # fmt: skip
    assert start.labels.shape == (300, 3) and start.indices.shape == (300,)
    assert evaluation.hungarian_accuracy(start.labels, labels[start.indices]) > 0.97
    assert evaluation.hungarian_accuracy(model.predict(examples, verbose=0), labels) > 0.97


# Seeds.


def own_networks(**kwargs):
    encoder = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5)])
    return encoder, keras.Sequential([keras.layers.Dense(12)]), {
        "latent_dim": 3, "style_dim": 2, "num_components": 3, "likelihood": "gaussian", "prior_units": (8,),
        **kwargs,
    }  # fmt: skip


def test_networks_that_are_not_built_follow_the_seed(table):
    models = []
    for seed in (0, 0, 1):
        encoder, decoder, arguments = own_networks(seed=seed)
        models.append(tf_gmvae.GMVAE(encoder, decoder, **arguments))
        models[-1].compile(FusedAdam(1e-2))
    one, same = (model.fit(table, epochs=2, shuffle=False, verbose=0).history for model in models[:2])
    assert one == same
    models[2].build((None, 6))
    for network in ("encoder", "decoder"):  # trained with small steps, drawn with large differences
        one, same, different = (getattr(model, network).get_weights()[0] for model in models)
        np.testing.assert_array_equal(one, same)
        assert np.abs(one - different).max() > 0.2


def built():
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu")])
    return encoder, keras.Sequential([keras.Input((3,)), keras.layers.Dense(12)])


def test_weights_drawn_without_a_seed_are_said_loudly_and_every_remedy_helps(table, tmp_path):
    _, _, arguments = own_networks(seed=0)
    with pytest.warns(UserWarning, match="cannot seed the encoder: .* 'dense.*drawn before, without a seed"):
        model = tf_gmvae.GMVAE(*built(), **arguments)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        keras.saving.load_model(tmp_path / "model.keras")
        tf_gmvae.GMVAE(*built(), **{**arguments, "seed": None})
        tf_gmvae.GMVAE(*own_networks()[:2], **arguments)
    # In a process of its own: the seed is set for good.
    process = run_warm("-c", SEEDED)
    assert process.returncode == 0, process.stderr[-2000:]


SEEDED = textwrap.dedent("""
    import warnings
    import keras, numpy as np
    import tf_gmvae

    def train():
        keras.utils.set_random_seed(0)
        encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu")])
        decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(12)])
        model = tf_gmvae.GMVAE(encoder, decoder, latent_dim=3, style_dim=2, num_components=3, seed=0,
                               likelihood="gaussian", prior_units=(8,))
        model.compile()
        return model.fit(np.ones((50, 6), "float32"), epochs=2, verbose=0).history["elbo"]

    warnings.simplefilter("error", UserWarning)
    assert train() == train()
""")


def test_trained_weights_are_never_drawn_anew(make_table_model):
    encoder, decoder = built()
    before = [weight.copy() for weight in encoder.get_weights() + decoder.get_weights()]
    with pytest.warns(UserWarning, match="without a seed"):
        tf_gmvae.GMVAE(encoder, decoder, **own_networks(seed=0)[2])
    for ours, theirs in zip(encoder.get_weights() + decoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Bounds.


def test_logarithms_are_exact_within_the_bounds_and_smooth_at_their_ends():
    inside = tf.constant(np.linspace(-EXACT, EXACT, 1001), tf.float32)
    np.testing.assert_array_equal(bounded_log(inside), inside)
    outside = tf.constant([-np.inf, -1e30, -88.0, -EXACT - 1e-3, EXACT + 1e-3, 88.0, 1e30, np.inf], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(outside)
        bounded = bounded_log(outside)
    assert (np.abs(bounded) <= LIMIT).all() and (np.abs(bounded) > EXACT).all()
    slopes = tape.gradient(bounded, outside).numpy()
    assert np.isfinite(slopes).all() and (slopes >= 0).all()
    np.testing.assert_allclose(slopes[3:5], 1, atol=1e-4)
    # Where larger ones are sensible, the upper end is higher by as much, and the lower one as it was.
    moved = bounded_log(tf.constant([-1e30, EXACT + 2.0, 1e30]), exact=EXACT + 2.0)
    np.testing.assert_allclose(moved, [-LIMIT, EXACT + 2.0, LIMIT + 2.0], rtol=1e-6)


def test_no_weight_of_a_head_or_decoder_makes_the_elbo_nan(make_table_model, table):
    model = make_table_model(num_components=3)
    prior = model.prior_head.log_vars
    for value in (-88.0, 88.0, 1e6):
        bias = np.zeros((3, 3), "float32")
        bias[1] = value  # one component alone, whose responsibilities are then 0
        prior.bias.assign(bias.ravel())
        with tf.GradientTape() as tape:
            loss, ((terms, _), _) = model.training_loss(table, training=True)
        assert all(np.isfinite(term).all() for term in terms), value
        for weight, gradient in zip(
            model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
        ):
            assert np.isfinite(gradient).all(), (value, weight.path)
    head = model.x_head.streams
    head.bias.assign(np.full(head.bias.shape, 1e4, "float32"))
    assert np.isfinite(model.score(table).elbo).all()


def test_every_likelihood_with_a_logarithm_is_bounded():
    params = tf.constant([[[0.0, 200.0], [0.0, -200.0]]])
    for name, data in (("gaussian", [[3.0], [1e3]]), ("poisson", [[3.0, 3.0], [0.0, 80.0]])):
        likelihood = likelihoods.get(name)
        log_prob = likelihood.log_prob(tf.constant(data), params)
        assert np.isfinite(log_prob).all(), name
        np.testing.assert_allclose(
            likelihood.distribution(params[0]).log_prob(tf.constant(data)), log_prob[0], rtol=1e-4
        )
        assert np.isfinite(likelihood.mean(params)).all()


def test_heads_begin_with_variances_near_one_whatever_the_features():
    features = np.random.default_rng(0).normal(0, 20, (400, 64)).astype("float32")
    mean, log_var = GaussianHead(4, seed=0)(features)
    assert 0.08 < np.std(log_var) / np.std(mean) < 0.12
    _, log_vars = MixturePriorHead(3, 4, (), seed=0)(1e4 * np.ones((2, 5), "float32"))
    assert np.abs(log_vars).max() <= LIMIT


@pytest.mark.parametrize("kind", ["counts", pytest.param("wide", marks=pytest.mark.slow), "columns of many sizes"])
def test_ordinary_data_train_to_finite_weights(kind):
    rng = np.random.default_rng(0)
    data = {
        "counts": rng.negative_binomial(0.5, 0.12, (500, 12)).astype("float32"),  # mean 3.7, up to 80
        "wide": rng.normal(0, 8, (500, 12)).astype("float32"),
        "columns of many sizes": (rng.normal(size=(500, 12)) * np.logspace(-3, 4, 12)).astype("float32"),
    }[kind]
    likelihood = "poisson" if kind == "counts" else "gaussian"
    encoder = keras.Sequential([keras.layers.Dense(64, "relu")])
    decoder = keras.Sequential(
        [keras.layers.Dense(64, "relu"), keras.layers.Dense(12 if kind == "counts" else 24)]
    )
    model = tf_gmvae.GMVAE(
        encoder,
        decoder,
        latent_dim=4,
        style_dim=2,
        num_components=5,
        prior_units=(64,),
        likelihood=likelihood,
        seed=0,
    )
    model.compile(FusedAdam(1e-3))
    history = model.fit(data, batch_size=50, epochs=10, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["elbo"][-1] > history["elbo"][0]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_fit_stops_by_itself_at_the_first_value_that_is_not_finite(make_table_model, table):
    with pytest.raises(TrainingDivergedError, match="at step 1 of epoch 1: standardise the data"):
        make_table_model().fit(np.full((50, 6), 3e38, "float32"), verbose=0)
    model = make_table_model()
    beginning = model.get_weights()
    model.fit((table - table.mean(0)) / table.std(0), verbose=0)  # the mend
    model.compile(keras.optimizers.SGD(1e12))
    model.set_weights(beginning)
    with pytest.raises(TrainingDivergedError, match="of epoch .: lower the learning rate"):
        model.fit(table, epochs=5, verbose=0)
    model.optimizer.learning_rate = 1e-4
    model.set_weights(beginning)
    model.fit(table, epochs=5, verbose=0)


# The start.


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 20)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((100, 6)), {}, "100 examples, of which 1 differ, cannot make 4 clusters: give more data"),
        (np.zeros((1, 6)), {"num_components": 1}, "1 example cannot make 1 cluster: give more data"),
        (
            np.random.default_rng(0).normal(size=(3, 6)),
            {},
            "3 examples cannot make 4 clusters: .* fewer components",
        ),
    ],
)
def test_too_few_different_examples_get_a_sentence(make_table_model, data, options, message):
    with pytest.raises(InputError, match=message):
        make_table_model(**options).initialize(data, verbose=0)


def test_fewer_examples_than_clusters_cannot_be_asked_for(make_table_model, table):
    with pytest.raises(InputError, match="`max_examples` must be an integer >= 4"):
        make_table_model().initialize(table, max_examples=3)


@pytest.mark.parametrize(
    ("count", "num_components"),
    [
        (2, 1),
        pytest.param(2, 2, marks=pytest.mark.slow),
        pytest.param(4, 4, marks=pytest.mark.slow),
        pytest.param(9, 4, marks=pytest.mark.slow),
        pytest.param(30, 4, marks=pytest.mark.slow),
        pytest.param(70, 4, marks=pytest.mark.slow),  # so many have a map
    ],
)
def test_few_examples_start(few_steps, make_table_model, table, count, num_components):
    model = make_table_model(num_components=num_components, num_samples=1)
    model.initialize(table[:count], pretraining_epochs=1, guided_epochs=1, verbose=0)
    assert np.isfinite(model.predict(table, verbose=0)).all()


def test_repeated_examples_start(few_steps, make_table_model, table):
    model = make_table_model(num_samples=1)
    model.initialize(np.repeat(table[:5], 40, axis=0), pretraining_epochs=1, guided_epochs=1, verbose=0)
    assert np.isfinite(model.predict(table, verbose=0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_map_of_a_line_ends(dimensions):
    # 4,000 points on a curve: a path, whose first eigenvectors lie too close together to be told apart.
    along = np.sort(np.random.default_rng(0).normal(size=4000))
    points = np.stack([along, 0.3 * along**2], axis=1)[:, :dimensions].astype("float32")
    labels = clusters.find(points, 5, to_floats=tf.identity, view=None, num_views=1, max_mapped=20_000, seed=1)
    assert labels.shape == (4000, 5) and np.isfinite(labels).all()
    assert evaluation.components_in_use(labels) == 5


@pytest.mark.slow
def test_stages_scale_their_loss_in_half_precision(make_table_model, table):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = make_table_model(num_samples=1)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    full = make_table_model(num_samples=1)
    soft = np.eye(4, dtype="float32")[np.arange(200) % 4]
    for stage, data in ((Pretraining, table), (GuidedTraining, (table, soft))):
        moves, scales = [], []
        for model in (half, full):
            trainer = stage(model, 1e-3)
            batches = tf.data.Dataset.from_tensor_slices(data).batch(200).repeat()
            trainer.fit(batches, steps_per_epoch=20, verbose=0)  # in which a scale that is too high comes down
            before = [weight.numpy() for weight in trainer.weights_to_train()]
            trainer.fit(batches, steps_per_epoch=5, verbose=0)
            after = [weight.numpy() for weight in trainer.weights_to_train()]
            moves.append([np.abs(new - old).mean() for new, old in zip(after, before, strict=True)])
            scales.append(float(getattr(trainer.optimizer, "dynamic_scale", 1.0)))
        # Adam's steps are near the learning rate, whatever the size of a gradient that is not lost.
        np.testing.assert_allclose(moves[0], moves[1], rtol=0.5)
        assert 1 < scales[0] <= 2**15 and scales[1] == 1


@pytest.mark.slow
def test_a_start_in_half_precision_finds_the_clusters(monkeypatch, make_table_model):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 100)
    rng, labels = np.random.default_rng(0), np.arange(300) % 3
    examples = (8 * np.eye(3, 6)[labels] + rng.normal(size=(300, 6))).astype("float32")
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = make_table_model(num_components=3, num_samples=1, latent_dim=6)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.initialize(examples, pretraining_epochs=1, guided_epochs=1, beta=0.1, verbose=0)
    assert evaluation.hungarian_accuracy(model.predict(examples, verbose=0), labels) > 0.95


REPLICAS = textwrap.dedent("""
    import sys
    import keras, numpy as np, tensorflow as tf
    import tf_gmvae
    from tf_gmvae.start import initialization
    from tf_gmvae.start.stages import GuidedTraining

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    initialization.LEAST_STEPS = 15
    labels = np.arange(200) % 3
    examples = (6 * np.eye(3, 6)[labels] + np.random.default_rng(0).normal(size=(200, 6))).astype("float32")

    def dense(units, seed, **kwargs):
        return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed), **kwargs)

    def made():
        encoder = keras.Sequential([keras.Input((6,)), dense(32, 1, activation="relu")])
        decoder = keras.Sequential([keras.Input((4,)), dense(32, 2, activation="relu"), dense(12, 3)])
        model = tf_gmvae.GMVAE(encoder, decoder, latent_dim=4, style_dim=3, num_components=3, prior_units=(16,),
                               likelihood="gaussian", seed=1)
        model.compile(keras.optimizers.Adam(1e-3))
        return model

    def run(name, strategy):
        options = {"pretraining_epochs": 1, "batch_size": 50, "verbose": 0}
        with strategy.scope():
            model = made()
            start = model.initialize(examples, guided_epochs=0, **options)
        learned = model.encoder.get_weights() + model.x_head.get_weights() + model.decoder.get_weights()
        found = {f"{name} plain {i}": weight for i, weight in enumerate(learned)}
        found[f"{name} labels"] = start.labels.argmax(axis=1)
        with strategy.scope():
            model = made()
        stage = GuidedTraining(model)
        data = tf.data.Dataset.from_tensor_slices((examples, np.eye(3, dtype="float32")[labels])).batch(50)
        stage.fit(data, epochs=5, verbose=0)
        found.update({f"{name} guided {i}": weight for i, weight in enumerate(model.get_weights())})
        # Outside the scope, and with what it has done in files.
        model.initialize(examples, guided_epochs=1, checkpoints=f"{sys.argv[1]}-{name}", **options)
        assert np.isfinite(model.predict(examples, verbose=0)).all()
        return found

    np.savez(
        sys.argv[1],
        **run("one", tf.distribute.get_strategy()),
        **run("two", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])),
    )
""")


@pytest.mark.slow
def test_two_replicas_start_as_one_does(tmp_path):
    process = run_warm("-c", REPLICAS, tmp_path / "weights.npz")
    assert process.returncode == 0, process.stderr[-3000:]
    weights = np.load(tmp_path / "weights.npz")
    names = [name.removeprefix("one ") for name in weights.files if name.startswith("one ")]
    assert len(names) >= 25
    for name in names:
        one, two = (weights[f"{number} {name}"] for number in ("one", "two"))
        if name == "labels":
            assert evaluation.majority_accuracy(np.eye(3)[one], two) > 0.99
        else:
            np.testing.assert_allclose(two, one, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1"),
        ({"beta": "a"}, "`beta` must be a number of nats >= 0"),
        ({"learning_rate": -1.0}, "`learning_rate` must be a number above 0"),
        ({"guidance": -1}, "`guidance` must be a number of nats >= 0"),
    ],
)
def test_a_start_names_an_argument_out_of_range(make_table_model, table, arguments, message):
    with pytest.raises(InputError, match=message):
        make_table_model().initialize(table, **arguments)
