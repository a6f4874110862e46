"""The other methods of the table: their objectives against plain loops, and what every one of them promises."""

import math

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from scipy.stats import multivariate_normal

from tf_gmvae import InputError, TrainingDivergedError, evaluation, methods
from tf_gmvae.methods import aae, catgan, dec, pretrained, vade

SHORT = {"dec": {"pretraining_epochs": 1}, "vade": {"pretraining_epochs": 1}}


def make(name, data_shape, num_components=10, seed=0):
    return methods.get(name)(data_shape, num_components, seed, **SHORT.get(name, {}))


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# DEC.


def test_dec_assigns_by_students_t_and_sharpens_over_all_examples():
    rng = np.random.default_rng(0)
    codes, centres = rng.normal(size=(7, 3)), rng.normal(size=(4, 3))
    q = np.zeros((7, 4))
    for i in range(7):
        for j in range(4):
            q[i, j] = 1 / (1 + sum((codes[i, d] - centres[j, d]) ** 2 for d in range(3)))
        q[i] /= q[i].sum()
    np.testing.assert_allclose(np.exp(dec.log_student(codes, centres)), q, rtol=1e-10)
    p = np.zeros((7, 4))
    for i in range(7):
        for j in range(4):
            p[i, j] = q[i, j] ** 2 / sum(q[other, j] for other in range(7))
        p[i] /= p[i].sum()
    np.testing.assert_allclose(dec.targets(q), p, rtol=1e-10)
    expected = [sum(p[i, j] * math.log(p[i, j] / q[i, j]) for j in range(4)) for i in range(7)]
    np.testing.assert_allclose(dec.divergence(p, np.log(q)), expected, rtol=1e-10)
    certain = np.eye(4)[:2]  # 0 log 0 is 0
    np.testing.assert_allclose(dec.divergence(certain, np.log(q[:2])), -np.log(q[[0, 1], [0, 1]]), rtol=1e-10)


def test_dec_goes_by_targets_of_all_examples_and_ends_where_nothing_changes(digits):
    examples = digits[0][:256]  # a batch: an epoch is a step
    model = make("dec", examples.shape[1:])
    model.prepare(examples, verbose=0)
    q = model.predict(examples, verbose=0).astype("float64")
    history = model.fit(examples, epochs=1, verbose=0).history
    np.testing.assert_allclose(model.targets.numpy(), dec.targets(q), rtol=1e-3, atol=1e-6)
    each = dec.divergence(dec.targets(q), np.log(q)).numpy()
    assert history["loss"][0] == pytest.approx(each.mean(), rel=1e-3)
    assert not model.has_ended
    # Where nothing moves, the next look ends the training.
    model.optimizer.learning_rate.assign(0.0)
    for momentum in model.optimizer.variables[2:]:
        momentum.assign(np.zeros(momentum.shape))
    model.clusters = model.predict(examples, verbose=0).argmax(axis=1)
    model.optimizer.iterations.assign(dec.INTERVAL - 3)
    assert len(model.fit(examples, epochs=50, initial_epoch=1, verbose=0).epoch) == 3
    assert model.has_ended


def test_dec_goes_on_with_the_targets_that_it_had(table, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "HIDDEN", (16,))
    monkeypatch.setattr(dec.DEC, "BATCH_SIZE", 60)  # three steps an epoch
    monkeypatch.setattr(dec, "INTERVAL", 5)
    monkeypatch.setattr(dec, "TOLERANCE", 0.0)  # it never ends
    straight = make("dec", (6,), 3)
    straight.is_prepared.assign(True)
    straight.centres.assign(np.random.default_rng(0).normal(size=straight.centres.shape))
    straight.run_eagerly = True
    kept = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    expected = straight.fit(table, epochs=2, callbacks=kept, verbose=0).history["loss"][1:]
    resumed = keras.saving.load_model(tmp_path / "1.keras")
    resumed.run_eagerly = True
    found = resumed.fit(table, epochs=2, initial_epoch=1, verbose=0).history["loss"]
    assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(resumed.targets.numpy(), straight.targets.numpy(), rtol=1e-4)


# VaDE.


def test_vades_posterior_and_terms_are_those_of_loops():
    rng = np.random.default_rng(1)
    b, k, d = 5, 3, 4
    x, mean, log_var = rng.normal(size=(b, d)), rng.normal(size=(b, d)), rng.normal(size=(b, d))
    logits, means, log_vars = rng.normal(size=k), rng.normal(size=(k, d)), rng.normal(size=(k, d))
    pi = softmax(logits)
    posterior, x_prior, z_prior = np.zeros((b, k)), np.zeros(b), np.zeros(b)
    for i in range(b):
        for j in range(k):
            posterior[i, j] = pi[j] * multivariate_normal.pdf(x[i], means[j], np.diag(np.exp(log_vars[j])))
        posterior[i] /= posterior[i].sum()
        for j in range(k):
            divergence = 0.0
            for n in range(d):
                variance, prior = math.exp(log_var[i, n]), math.exp(log_vars[j, n])
                divergence += 0.5 * (
                    math.log(prior / variance) + (variance + (mean[i, n] - means[j, n]) ** 2) / prior - 1
                )
            x_prior[i] += posterior[i, j] * divergence
            z_prior[i] += posterior[i, j] * math.log(posterior[i, j] / pi[j])
    log_post = vade.log_posterior(x, logits, means, log_vars)
    np.testing.assert_allclose(np.exp(log_post), posterior, rtol=1e-8)
    found = vade.prior_terms(log_post, (mean, log_var), logits, means, log_vars)
    np.testing.assert_allclose(found[0], x_prior, rtol=1e-8)
    np.testing.assert_allclose(found[1], z_prior, rtol=1e-8)


def test_vade_begins_at_the_mixture_of_its_codes_and_steps_on_its_bound(digits):
    examples = digits[0][:100]
    model = make("vade", examples.shape[1:], num_components=4)
    model.prepare(examples, verbose=0)
    np.testing.assert_allclose(softmax(model.logits.numpy()).sum(), 1, rtol=1e-6)
    codes = model.examine(examples)[1]
    assert (abs(model.means.numpy() - codes.mean(axis=0)) < 4 * codes.std(axis=0)).all()
    values = model.flat(examples)
    mean, log_var = (part.numpy() for part in model.encode(values))
    assert (log_var == 0).all()
    x = mean + np.exp(0.5 * log_var) * model.noise(mean.shape, 0).numpy()
    made = 1 / (1 + np.exp(-model.decoder(x).numpy().astype("float64")))
    y = values.numpy()
    reconstruction = (y * np.log(made) + (1 - y) * np.log(1 - made)).sum(axis=1).mean()
    parameters = (model.logits, model.means, model.log_vars)
    terms = vade.prior_terms(vade.log_posterior(x, *parameters), (mean, log_var), *parameters)
    expected = [reconstruction, *(float(np.mean(term)) for term in terms)]
    loss, *found = (float(value) for value in model.step(values, None))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert loss == pytest.approx(found[1] + found[2] - found[0], rel=1e-5)


def test_vades_rate_falls_from_where_other_callbacks_have_left_it():
    model, rates = make("vade", (6,), 3), []
    rate = model.optimizer.learning_rate
    for lowered in (1.0, 0.25):
        for epoch in range(41):
            if epoch in (10, 15):  # gone on with, from a file
                kept = {}
                model.save_own_variables(kept)
                model.scheduled_rate = None
                model.load_own_variables(kept)
            (schedule,) = model.own_callbacks(None, epoch)
            schedule.set_model(model)
            schedule.on_epoch_begin(epoch)
            rates.append(float(rate))
            if epoch == 7:
                rate.assign(lowered * rate)
    expected = [0.002 * 0.9 ** (epoch // 10) for epoch in (*range(41), *range(41))]
    expected[41 + 8 :] = [0.25 * each for each in expected[41 + 8 :]]
    np.testing.assert_array_equal(rates, np.float32(expected))


@pytest.mark.slow
def test_vade_goes_on_at_the_rate_of_its_file(table, tmp_path):
    model, fresh = make("vade", (6,), 3), make("vade", (6,), 3)
    model.is_prepared.assign(True)
    lower = keras.callbacks.ReduceLROnPlateau("loss", factor=0.25, patience=0, min_delta=1e9, cooldown=99)
    model.fit(table[:20], epochs=10, callbacks=lower, verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    fresh.load_weights(tmp_path / "model.weights.h5")
    found = fresh.fit(table[:20], epochs=21, initial_epoch=10, verbose=0).history["learning_rate"]
    np.testing.assert_array_equal(np.float32(found), np.float32([0.25 * 0.002 * 0.9] * 10 + [0.25 * 0.002 * 0.81]))


# AAE.


def test_the_adversaries_of_aae_are_those_of_loops(digits):
    rng = np.random.default_rng(2)
    weights, real, encoded = rng.normal(size=(3, 1)), rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    discrimination, deception = np.zeros((6, 1)), np.zeros((6, 1))
    for i in range(6):
        of_real, of_encoded = (1 / (1 + math.exp(-(codes[i] @ weights)[0])) for codes in (real, encoded))
        discrimination[i] = -math.log(of_real) - math.log(1 - of_encoded)
        deception[i] = -math.log(of_encoded)
    critic = lambda codes: codes @ weights  # noqa: E731
    np.testing.assert_allclose(aae.discrimination_loss(critic, real, encoded), discrimination, rtol=1e-10)
    np.testing.assert_allclose(aae.deception_loss(critic, encoded), deception, rtol=1e-10)


def test_each_part_of_aaes_step_moves_its_own_weights(digits):
    model = make("aae", (8, 8, 1))
    parts = {
        "encoder": model.encoder_weights,
        "decoder": model.decoder.trainable_weights,
        "critics": model.critic_weights,
    }

    def moved(optimizer):
        """The parts that one step moves, where all optimizers but one stand still."""
        for each in (model.optimizer, model.critic_optimizer, model.deception_optimizer):
            each.learning_rate.assign(1e-3 if each is optimizer else 0.0)
        before = {name: [weight.numpy() for weight in weights] for name, weights in parts.items()}
        model.step(model.flat(digits[0][:50]), None)
        return {
            name
            for name, weights in parts.items()
            if any((weight.numpy() != old).any() for weight, old in zip(weights, before[name], strict=True))
        }

    assert moved(model.optimizer) == {"encoder", "decoder"}
    assert moved(model.critic_optimizer) == {"critics"}
    assert moved(model.deception_optimizer) == {"encoder"}
    model.decoder.trainable = False
    assert moved(model.optimizer) == {"encoder"}
    copied = keras.models.clone_model(model)
    assert not copied.decoder.trainable and copied.trunk.trainable
    model.trainable = False
    assert not any(moved(each) for each in (model.optimizer, model.critic_optimizer, model.deception_optimizer))


# CatGAN.


def test_catgans_entropies_are_those_of_loops():
    rng = np.random.default_rng(3)
    p = softmax(rng.normal(size=(6, 4)))
    each = [-sum(p[i, j] * math.log(p[i, j]) for j in range(4)) for i in range(6)]
    average = [sum(p[i, j] for i in range(6)) / 6 for j in range(4)]
    mean, of_mean = catgan.entropies(np.log(p))
    assert float(mean) == pytest.approx(np.mean(each), rel=1e-8)
    assert float(of_mean) == pytest.approx(-sum(a * math.log(a) for a in average), rel=1e-8)


def test_catgans_losses_are_three_entropies_and_two(digits):
    model = make("catgan", (8, 8, 1))
    values = model.flat(digits[0][:60])

    def entropies(examples, stream):
        log_assignments = tf.nn.log_softmax(model.cluster_head(model.features(examples, stream)))
        return [float(entropy) for entropy in catgan.entropies(log_assignments)]

    # Batch normalisation goes by the batch, so looking changes nothing but running averages.
    of_real, of_fake = entropies(values, 0), entropies(model.generate(60, 100), 20)
    model.optimizer.learning_rate.assign(0.0)  # the generator's loss is that of the discriminator before its step
    of_its_own = entropies(model.generate(60, 101), 40)
    loss, generation, certainty, evenness = (float(value) for value in model.step(values, None))
    assert (certainty, evenness) == pytest.approx(of_real, rel=1e-4)
    assert loss == pytest.approx(of_real[0] - of_real[1] - of_fake[0], rel=1e-4)
    # The noise of the generator's step is that of the step's number, which the discriminator's step has raised.
    assert abs(generation - (of_its_own[0] - of_its_own[1])) < 0.2


# All of them.


@pytest.mark.slow  # a run of AAE by the command line is saved, loaded and gone on with, too
@pytest.mark.parametrize("name", methods.METHODS)
def test_a_method_trains_saves_and_goes_on_as_if_it_had_not_been_interrupted(name, digits, tmp_path):
    examples, labels = digits
    straight = make(name, (8, 8, 1))
    straight.fit(examples, epochs=1, verbose=0)
    straight.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(straight) and loaded.get_config() == straight.get_config()
    losses = [
        model.fit(examples, epochs=2, initial_epoch=1, verbose=0).history["loss"] for model in (straight, loaded)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for weight, other in zip(straight.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-3, atol=1e-5, err_msg=weight.path)
    posterior = loaded.predict(examples, verbose=0)
    np.testing.assert_allclose(posterior, straight.predict(examples, verbose=0), atol=1e-3)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-5)
    log_assignments, codes = loaded.examine(examples, batch_size=150)
    np.testing.assert_allclose(np.exp(log_assignments), posterior, atol=1e-5)
    assert len(codes) == len(examples)
    bytes_of_it = (255 * examples).round().astype("uint8")
    np.testing.assert_allclose(loaded.predict(bytes_of_it, verbose=0), posterior, atol=0.05)
    assert evaluation.majority_accuracy(posterior, labels) > 0.15


@pytest.mark.parametrize("name", methods.METHODS)
def test_the_seed_of_a_method_decides(name):
    models = [make(name, (6,), 3, seed) for seed in (0, 0, 1)]
    noise = [model.noise((4,), 2).numpy() for model in models]
    for weight, same, other in zip(*(model.trainable_weights for model in models), strict=True):
        np.testing.assert_array_equal(weight, same)
        assert len(weight.shape) < 2 or not np.any(weight) or (weight.numpy() != other.numpy()).any()
    np.testing.assert_array_equal(noise[0], noise[1])
    assert (noise[0] != noise[2]).all()


def test_tables_are_real_valued(table):
    model = make("aae", (6,), 3)
    assert model.likelihood.name == "unit_gaussian"
    history = model.fit(x=table, epochs=3, verbose=0).history["loss"]
    assert history[2] < history[0]
    with pytest.raises(InputError, match="no array|numbers"):
        model.fit([["a"] * 6] * 9)


def test_what_a_method_cannot_take_gets_a_sentence(table):
    model = make("catgan", (6,), 3)
    spoilt = table.copy()
    spoilt[3, 2] = np.nan
    for examples, expected in [
        (table[:, :5], r"made for examples of shape \(6,\): make one with data_shape=\(5,\)"),
        (table[:2], "3 clusters need at least as many examples"),
        (spoilt, "NaN"),
        (np.ma.masked_greater(table, 1.0), "NaN"),
    ]:
        with pytest.raises(InputError, match=expected):
            model.fit(examples)
    for answer in (model.predict, model.examine):
        with pytest.raises(InputError, match="`batch_size` must be an integer >= 1. Received: batch_size=0"):
            answer(table, batch_size=0)
    with pytest.raises(InputError, match="within"):
        make("catgan", (8, 8, 1)).fit(255 * np.ones((20, 8, 8, 1), "float32"))
    with pytest.raises(InputError, match="Unknown method 'dce': choose one of dec, aae, catgan, vade"):
        methods.get("dce")
    for arguments, expected in [
        (((), 10), "data_shape"),
        ((6, 10), r"such as.* \(4,\). Received: 6"),
        (((6,), 0), "num_components"),
        (((6,), 10, -1), "seed"),
    ]:
        with pytest.raises(InputError, match=expected):
            methods.DEC(*arguments)
    with pytest.raises(InputError, match="pretraining_epochs"):
        methods.VaDE((6,), pretraining_epochs=0)
    with pytest.raises(InputError, match="VaDE begins with a mixture, which needs two examples at least"):
        make("vade", (6,), 1).fit(table[:1])  # before minutes of pretraining


@pytest.mark.slow
def test_a_method_that_diverges_is_told_what_it_can_do(digits):
    model = make("aae", digits[0].shape[1:])
    model.fit(digits[0], epochs=1, verbose=0)

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for weight in self.model.trainable_weights:
                weight.assign(weight * np.nan)

    # Its learning rate is its paper's, and nothing that a caller could lower.
    with pytest.raises(TrainingDivergedError, match="at step 2 of epoch 2: standardise the data, or drop extreme"):
        model.fit(digits[0], epochs=2, initial_epoch=1, verbose=0, callbacks=[Spoil()])


class Batches(keras.utils.PyDataset):
    """Two batches of nothing."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (np.zeros((3, 4), "float32"),)


@pytest.mark.parametrize(
    "name", ["aae", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dec", "catgan", "vade"))]
)
def test_what_a_method_cannot_take_is_named(name):
    with pytest.raises(InputError, match="compute in float32, not in mixed_float16: leave it out"):
        methods.get(name)((4,), 2, dtype="mixed_float16")
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        with pytest.raises(InputError, match="compute in float32, not in mixed_float16"):
            make(name, (4,), 2)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model, good = make(name, (4,), 2), np.linspace(0, 1, 32, dtype="float32").reshape(8, 4)
    # Keras forgets the shape once it has seen two.
    assert [model.predict(good[:count], verbose=0).shape for count in (8, 3)] == [(8, 2), (3, 2)]
    for wrong, sentence in (
        (np.zeros((8, 2), "float32"), r"made for examples of shape \(4,\)"),
        (np.zeros((8, 8), "float32"), r"made for examples of shape \(4,\)"),
        (np.where(good > 0.9, np.nan, good), "NaN|nan"),
        (good[:0], "There is no example"),
        (tf.data.Dataset.from_tensors(good), "takes an array or a data.Split"),
        (Batches(), "takes an array or a data.Split. Received: Batches"),
        (None, "takes an array or a data.Split. Received: NoneType"),
        ([[1.0, 2.0], [1.0]], "different lengths"),
        ({"a": good}, f"^{type(model).__name__} takes one array of examples.*Received: a dict of 1 arrays"),
        (scipy.sparse.csr_matrix(good), f"^{type(model).__name__} takes dense arrays.* Pass data.toarray"),
        (np.where(good > 0.9, 1e20, good), "answer to example 7 is no number: the values are too large"),
        (good * 1e30, "answer to every example is no number: the weights .*, or all .* values that are too large"),
        (np.where(good > 0.9, 3e38, good), "answer to example 7 is no number: the values are too large"),
    ):
        for call in (lambda x: model.predict(x, verbose=0), model.predict_on_batch, model.examine):
            with pytest.raises(InputError, match=sentence):
                call(wrong)
    assert [np.isnan(model(np.full((1, 4), bad, "float32"))).all() for bad in (np.nan, 3e38)] == [True, True]
    expected = model.predict_on_batch(good)
    for same in (list(good), good.tolist(), good.astype(object), good.astype("longdouble"), tf.constant(good)):
        np.testing.assert_array_equal(model.predict_on_batch(same), expected)
    halves = tf.cast(good, "bfloat16")
    np.testing.assert_allclose(model.predict_on_batch(halves.numpy()), expected, atol=1e-2)
    of_any_shape = tf.function(model).get_concrete_function(tf.TensorSpec((None, None)))
    np.testing.assert_allclose(of_any_shape(good), model.predict_on_batch(good), atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected shape"):
        of_any_shape(np.zeros((8, 2), "float32"))
    with pytest.raises(InputError, match="takes an array or a data.Split"):
        model.fit(tf.data.Dataset.from_tensors(good))


@pytest.mark.parametrize(
    "name", ["aae", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dec", "vade", "catgan"))]
)
def test_habits_of_keras_work_or_are_answered(name, table, tmp_path):
    model = make(name, (6,), num_components=3)
    model.compile()
    for callbacks in (None, keras.callbacks.TerminateOnNaN()):
        model.fit(table, epochs=1, callbacks=callbacks, verbose=0)
    kept = keras.callbacks.BackupAndRestore(tmp_path / "kept", delete_checkpoint=False)
    model.fit(table, epochs=2, initial_epoch=1, callbacks=kept, verbose=0)
    model.fit(table, epochs=4, initial_epoch=2, verbose=0)
    expected = model.predict(table, verbose=0)
    assert model.fit(table, epochs=4, callbacks=kept, verbose=0).epoch == [2, 3]
    np.testing.assert_allclose(model.predict(table, verbose=0), expected, atol=1e-5)
    assert model.fit(table, epochs=5, initial_epoch=4, verbose=0).epoch == [4]
    expected = model.predict(table, verbose=0)
    np.testing.assert_allclose(np.exp(model.examine(table.tolist())[0]), expected, atol=1e-6)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(tf.constant(table)), expected, atol=1e-6)
    for call, sentence in {
        lambda: model.evaluate(table): "has no evaluate: predict gives assignments",
        lambda: model.test_on_batch(table): "has no evaluate",
        lambda: model.train_on_batch(table): "is trained by fit",
        lambda: model.fit(table, batch_size=20): "takes no batch_size",
        lambda: model.compile("adam"): "trains by optimizers of its own: leave compile out.* num_components, seed",
        lambda: model.compile(jit_compile=True): "trains by optimizers of its own",
        lambda: model.quantize("int8"): "cannot be quantized",
    }.items():
        with pytest.raises(InputError, match=f"{type(model).__name__} {sentence}"):
            call()
    model.trainable = False
    model.compile()
    model.fit(table, epochs=6, initial_epoch=5, verbose=0)
    np.testing.assert_array_equal(model.predict(table, verbose=0), expected)
