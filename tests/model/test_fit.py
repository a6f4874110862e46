"""`fit` beside its beaten track: what is held out, the order of arrays, and networks that wait for their data."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import tf_gmvae
from tf_gmvae import GMVAE, InputError
from tf_gmvae.data import Split
from tf_gmvae.optimizer import FusedAdam

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({name: scale * RNG.normal(size=80) for name, scale in (("a", 1), ("b", 40), ("c", 9))})
FRAME["kind"] = RNG.choice(["red", "blue"], 80)
TURNED, NUMBERS = FRAME[["kind", "c", "a", "b"]], FRAME[["a", "b", "c"]].to_numpy("float32")
MASKED = np.ma.masked_array(np.where(NUMBERS > 30, 1e6, NUMBERS), NUMBERS > 30)
BLANK = np.where(NUMBERS > 30, np.nan, NUMBERS)
# Forms of held-out data, and the rows that they are.
HELD_OUT = {
    "columns in another order": (FRAME, TURNED, FRAME),
    "and labels": (FRAME, (TURNED, np.zeros(80)), FRAME),
    "masked": (NUMBERS, MASKED, BLANK),
    "lists": (NUMBERS, NUMBERS.tolist(), NUMBERS),
    "array and labels in a list": (NUMBERS, [NUMBERS, np.zeros(80)], NUMBERS),
    "split and labels": (NUMBERS, (Split.from_arrays(NUMBERS), np.zeros(80)), NUMBERS),
    "data set with labels": (NUMBERS, tf.data.Dataset.from_tensors((NUMBERS, np.zeros(80))), NUMBERS),
}


@pytest.mark.parametrize("form", HELD_OUT)
def test_held_out_data_are_read_as_those_of_evaluate(form):
    training, held_out, rows = HELD_OUT[form]
    model = GMVAE.for_table(training, num_components=2, seed=0)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = model.fit(training, batch_size=80, validation_data=held_out, verbose=0).history["val_elbo"][0]
    expected = model.evaluate(rows, batch_size=80, verbose=0, return_dict=True)
    assert found == pytest.approx(expected["elbo"], rel=1e-5)


def test_weights_beside_assignments_are_refused(make_table_model, table):
    model = make_table_model(hold=5.0)
    given, weights = np.eye(4, dtype="float32")[np.arange(200) % 4], np.ones(200)
    with pytest.raises(InputError, match="drop sample_weight"):
        model.fit(tf.data.Dataset.from_tensor_slices((table, given, weights)).batch(50), verbose=0)
    with pytest.raises(InputError, match="drop sample_weight"):
        model.train_on_batch(table, given, sample_weight=weights)
    with pytest.raises(InputError, match="200 examples and assignments of shape .150, 4"):
        model.fit(table, given[:150], verbose=0)


@pytest.mark.parametrize("hold", [pytest.param(0.0, marks=pytest.mark.slow), 5.0])
def test_the_seed_decides_the_order_of_arrays_and_a_second_fit_goes_on(make_table_model, table, hold):
    given = np.eye(4, dtype="float32")[np.arange(200) % 4] if hold else None

    def trained(*epochs):
        model = make_table_model(seed=0, hold=hold)
        fits = [model.fit(table, given, epochs=n, validation_split=0.2, verbose=0).history for n in epochs]
        return [loss for history in fits for loss in history["loss"]], fits[-1]["val_elbo"][-1]

    assert trained(3) == trained(1, 2)


def test_arrays_are_seen_whole_in_every_epoch_and_in_another_order(make_table_model, monkeypatch):
    seen = []

    class Watched(GMVAE):
        def examples(self, data):
            found = super().examples(data)
            seen.append(found[:, 0].numpy())
            return found

    rows = np.arange(70, dtype="float32")[:, None] * np.ones(6, "float32")
    model = make_table_model(cls=Watched)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    model.fit(rows, batch_size=30, epochs=2, validation_split=0.11, verbose=0)
    epochs = [seen[:3], seen[4:7]]
    for batches in epochs:
        assert [len(batch) for batch in batches] == [30, 30, 2]
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(62))
    assert (epochs[0][0] != epochs[1][0]).any()
    np.testing.assert_array_equal(seen[3], np.arange(62, 70))  # held out as by Keras, and in their order
    with pytest.raises(InputError, match="validation_split=1.0 of 70 examples"):
        model.fit(rows, validation_split=1.0, verbose=0)


def test_without_compile_there_is_a_sentence(table):
    with pytest.raises(ValueError, match="compile"):
        GMVAE.for_table(table, num_components=2, seed=0).fit(table, verbose=0)


@keras.saving.register_keras_serializable("tests")
class Own(keras.layers.Layer):
    """Draws its weights when it is built, in two ways."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 8), initializer="glorot_uniform")
        self.dense = keras.layers.Dense(4)
        self.dense.build((None, 8))

    def call(self, inputs):
        return self.dense(tf.matmul(inputs, self.kernel))


class Attending(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention = keras.layers.MultiHeadAttention(2, 3)

    def call(self, inputs):
        return keras.layers.Flatten()(self.attention(inputs[..., None], inputs[..., None]))


def unbuilt(encoder, seed=0):
    return GMVAE(
        keras.Sequential([encoder]), keras.Sequential([keras.layers.Dense(8, "tanh"), keras.layers.Dense(12)]),
        latent_dim=3, style_dim=2, num_components=3, likelihood="gaussian", prior_units=(8,), seed=seed,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [Own, Attending])
def test_weights_drawn_within_own_layers_follow_the_seed(kind, table):
    one, same, other = (unbuilt(kind(), seed) for seed in (0, 0, 1))
    for model in (one, same, other):
        model.build((None, 6))
    for ours, theirs in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(one.embed(table).x - other.embed(table).x).max() > 0.1


@pytest.mark.parametrize("eagerly", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_networks_that_wait_for_their_data_take_every_step(table, eagerly):
    model = unbuilt(keras.layers.Dense(8))
    model.compile(FusedAdam(1e-2), run_eagerly=eagerly)
    before = model.train_on_batch(table[:50])
    assert int(model.optimizer.iterations) == 1
    assert model.train_on_batch(table[:50]) != before
    model = unbuilt(keras.layers.Dense(8))
    model.compile(FusedAdam(1e-2), run_eagerly=eagerly)
    model.fit((table[i : i + 50] for i in range(0, 200, 50)), verbose=0)
    assert int(model.optimizer.iterations) == 4


def test_networks_that_waited_are_saved_with_their_optimizer_before_any_step(table, tmp_path, recwarn):
    model = unbuilt(keras.layers.Dense(8))
    model.compile(keras.optimizers.Adam(1e-3))
    model.score(table)  # as the start does, it builds the model
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").optimizer.built
    assert not [warning for warning in recwarn if "optimizer" in str(warning.message)]


@keras.saving.register_keras_serializable("tests")
class Counting(GMVAE):
    """Adds a metric of its own."""

    def __init__(self, *arguments, **further):
        super().__init__(*arguments, **further)
        self.count = keras.metrics.Sum("count")

    def train_step(self, data):
        return {**super().train_step(data), "count": self.count(1.0)}


def test_a_subclass_adds_to_the_model_and_comes_back_from_its_file(tmp_path):
    rows = RNG.random((40, 8, 8, 1)).astype("float32")
    model = Counting.from_preset("digits", num_components=2, seed=0)
    model.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    assert model.fit(rows, batch_size=20, epochs=2, verbose=0).history["count"] == [2.0, 2.0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(rows, verbose=0), model.predict(rows, verbose=0))


@pytest.mark.parametrize("run_eagerly", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_what_a_subclass_adds_to_the_loss_counts_once(make_table_model, table, run_eagerly):
    class Costly(tf_gmvae.GMVAE):
        def encode(self, examples, training=False):
            self.add_loss(tf.constant(100.0))
            return super().encode(examples, training)

    plain, costly = make_table_model(), make_table_model(cls=Costly)
    for model in (plain, costly):
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=run_eagerly)
    options = {"batch_size": 100, "epochs": 2, "validation_data": table[:50], "verbose": 0}
    without, found = (model.fit(table, **options).history for model in (plain, costly))
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[name], np.add(without[name], 100.0), rtol=1e-5)


class Seen(tf_gmvae.GMVAE):
    """Keeps the sum of every batch that it was trained on."""

    def train_step(self, data):
        self.sums.append(float(tf.reduce_sum(data)))
        return super().train_step(data)


@pytest.mark.parametrize(
    ("is_restored", "steps"),
    [(True, None), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((True, 1), (False, None)))],
)
def test_the_order_goes_on_where_keras_counts_otherwise(make_table_model, table, is_restored, steps, tmp_path):
    def new(**options):
        model = make_table_model(cls=Seen)
        model.sums = []
        model.compile(keras.optimizers.Adam(1e-3, **options), run_eagerly=True)
        return model

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    straight = new()
    straight.fit(table, batch_size=100, epochs=3, steps_per_epoch=steps, verbose=0)
    if is_restored:
        kept = keras.callbacks.BackupAndRestore(tmp_path / "kept")
        model, stopped = new(), new()
        with pytest.raises(KeyboardInterrupt):
            stopped.fit(
                table, batch_size=100, epochs=3, steps_per_epoch=steps, verbose=0, callbacks=[kept, Stop()]
            )
        model.fit(table, batch_size=100, epochs=3, steps_per_epoch=steps, verbose=0, callbacks=[kept])
        assert stopped.sums + model.sums == straight.sums
    else:
        model = new(gradient_accumulation_steps=2)
        for _ in range(3):
            model.fit(table, batch_size=100, verbose=0)
        assert model.sums == straight.sums


ROWS = np.arange(70, dtype="float32")[:, None] * np.ones(6, "float32") / 70


@keras.saving.register_keras_serializable("tests")
class Kept(GMVAE):
    """Keeps the numbers of those of `ROWS` that it was trained on."""

    def train_step(self, data):
        examples, *_ = data if isinstance(data, tuple) else (data,)
        self.rows.extend(np.rint(70 * np.asarray(examples)[:, 0]).astype(int))
        return super().train_step(data)


@pytest.fixture
def keeper(make_table_model):
    model = make_table_model(cls=Kept)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


def loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


def compiled_again(model, _):
    model.fit(ROWS[:50], batch_size=30, verbose=0)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


def trained_on_a_batch(model, _):
    model.train_on_batch(ROWS[:10])
    return model


def trained_on_a_data_set(model, _):
    model.fit(tf.data.Dataset.from_tensor_slices(ROWS[:10]).batch(10), verbose=0)
    return model


@pytest.mark.parametrize(
    "then",
    [
        loaded,
        trained_on_a_data_set,
        *(pytest.param(then, marks=pytest.mark.slow) for then in (compiled_again, trained_on_a_batch)),
    ],
)
def test_whatever_came_before_an_array_is_seen_whole(keeper, then, tmp_path):
    keeper.rows = []
    keeper.fit(ROWS[:50], batch_size=20, verbose=0)
    model = then(keeper, tmp_path)
    for count in (70, 70, 50):
        model.rows = []
        model.fit(ROWS[:count], batch_size=20, verbose=0)
        assert sorted(model.rows) == list(range(count))


def test_a_model_that_was_saved_within_an_epoch_goes_on_there(keeper, tmp_path):
    class Save(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.save(tmp_path / "model.keras")

    keeper.rows = []
    keeper.fit(ROWS[:50], batch_size=20, verbose=0)  # of another size, so that the order is ahead of the steps
    keeper.fit(ROWS, batch_size=20, verbose=0, callbacks=[Save()])
    keeper.fit(ROWS, batch_size=20, verbose=0)
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.rows = []
    again.fit(ROWS, batch_size=20, verbose=0)
    assert again.rows == keeper.rows[50 + 40 : 50 + 40 + len(again.rows)]


class Overflows(keras.callbacks.Callback):
    """The gradients of the first two batches overflow, and are left out."""

    def on_train_begin(self, logs=None):
        self.model.optimizer.dynamic_scale.assign(np.inf)

    def on_train_batch_end(self, batch, logs=None):
        self.model.optimizer.dynamic_scale.assign(np.inf if batch == 0 else 1.0)


@pytest.mark.parametrize("then", [pytest.param(loaded, marks=pytest.mark.slow), None])
def test_batches_that_the_optimizer_does_not_count_are_seen_once(keeper, then, tmp_path):
    gathering = keras.optimizers.SGD(0.0, gradient_accumulation_steps=3)
    keeper.compile(keras.optimizers.LossScaleOptimizer(gathering), run_eagerly=True)
    model = keeper
    for epochs, steps in ((1, 0), (2, 2), (1, 3)):  # of 2, 6 and 2 batches that count, by three
        model.rows = []
        model.fit(ROWS, batch_size=20, epochs=epochs, verbose=0, callbacks=[Overflows()])
        assert sorted(model.rows) == sorted(list(range(70)) * epochs)
        assert int(model.optimizer.iterations) == steps
        model = model if then is None else then(model, tmp_path)


@pytest.mark.slow
def test_a_backup_of_a_whole_epoch_goes_on_at_the_next(make_table_model, tmp_path):
    def new():
        model = make_table_model(cls=Kept)
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0)), run_eagerly=True)
        model.rows = []
        return model

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    kept, stopped, model = keras.callbacks.BackupAndRestore(tmp_path / "kept"), new(), new()
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(ROWS, batch_size=10, epochs=3, verbose=0, callbacks=[kept, Stop(), Overflows()])
    assert int(stopped.optimizer.iterations) == 5
    model.fit(ROWS, batch_size=10, epochs=3, verbose=0, callbacks=[kept])
    assert sorted(model.rows) == sorted(2 * list(range(70)))
    assert model.fit(ROWS, batch_size=10, epochs=4, initial_epoch=3, verbose=0).epoch == [3]
    batches = tf.data.Dataset.from_tensor_slices(ROWS).batch(10)
    kept = keras.callbacks.BackupAndRestore(tmp_path / "of batches", delete_checkpoint=False)
    epochs = [model.fit(batches, epochs=until, verbose=0, callbacks=[kept]).epoch for until in (1, 2)]
    assert [*epochs, model.fit(batches, epochs=1, verbose=0).epoch] == [[0], [1], [0]]


def test_arrays_of_other_sizes_are_seen_whole(keeper):
    model, rows = keeper, ROWS
    for count, batch_size in ((70, 30), (70, 40), (50, 40), (50, 40), (70, 20)):
        model.rows = []
        model.fit(rows[:count], batch_size=batch_size, verbose=0)
        assert sorted(model.rows) == list(range(count)), (count, batch_size)


def test_data_of_unknown_length_take_no_step_too_many(make_table_model, table):
    model = make_table_model()
    data = tf.data.Dataset.from_tensor_slices(table[:40]).batch(20).repeat(2)
    counted = []
    for batches in (data, data.filter(lambda batch: True)):
        before = int(model.optimizer.iterations), model.sampler.seed_generator.state.numpy()
        model.fit(batches, epochs=2, verbose=0)
        after = int(model.optimizer.iterations), model.sampler.seed_generator.state.numpy()
        counted.append([after[0] - before[0], *(after[1] - before[1])])
    assert counted[0][0] == 8 and counted[0] == counted[1]


def test_one_callback_need_not_be_in_a_list(make_table_model, table):
    ended = []
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(epoch))
    model = make_table_model()
    model.compile(run_eagerly=True)
    for callbacks in (told, (told,), None):
        model.fit(table, batch_size=200, callbacks=callbacks, verbose=0)
    assert ended == [0, 0]


@pytest.mark.slow
def test_xla_compiles_the_start_and_training_on_views(digits):
    images = digits[0][:200]
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0, hold=5.0)
    model.compile(FusedAdam(1e-3), jit_compile=True)
    model.initialize(images, pretraining_epochs=1, guided_epochs=1, verbose=0)
    given = model.predict(images, verbose=0)
    history = model.fit(images, given, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
