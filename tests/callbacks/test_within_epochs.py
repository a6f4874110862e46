"""A training that is stopped within an epoch goes on from that very step."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_gmvae import InputError, data
from tf_gmvae.callbacks import SaveEveryEpoch, TrainingSeconds
from tf_gmvae.callbacks.within_epochs import SaveWithinEpochs

STEPS, EPOCHS = 8, 3


def train(model, table, folder, **within):
    """From where the model stands to the end of its epoch, or of the training."""
    taken = int(model.optimizer.iterations)
    done, rest = divmod(taken, STEPS)
    batches = data.to_batches(
        data.Split(table), 25, shuffle_seed=0, num_epochs=None, skip_batches=taken, drop_remainder=True
    )
    model.fit(
        batches, steps_per_epoch=STEPS - rest, initial_epoch=done, epochs=done + 1 if rest else EPOCHS, verbose=0,
        callbacks=[
            TrainingSeconds(),
            SaveWithinEpochs(folder / "model.keras", **within),
            keras.callbacks.CSVLogger(folder / "history.csv", append=True),
            SaveEveryEpoch(folder / "model.keras"),
        ],
    )  # fmt: skip


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows], rows


@pytest.mark.parametrize(
    "stops",
    [
        (8,),
        pytest.param((1, 8, 16), marks=pytest.mark.slow),
        pytest.param((7, 13, 15, 16, 17, 22), marks=pytest.mark.slow),
    ],
)
def test_weights_and_history_are_those_of_a_training_without_a_break(make_table_model, table, tmp_path, stops):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    expected = make_table_model()
    train(expected, table, whole)
    model, taken = make_table_model(), 0
    for stop in stops:

        def stops_there(optimizer=model.optimizer, stop=stop):
            return int(optimizer.iterations) >= stop

        with pytest.raises(KeyboardInterrupt):
            while True:  # the rest of an epoch, then what follows
                train(model, table, broken, stop=stops_there)
        # It is asked after a step; the last of an epoch is left to its end, and what follows stops after one more.
        expected_steps = max(stop, taken + 1)
        expected_steps += expected_steps % STEPS == 0
        model = keras.saving.load_model(broken / "model.keras")
        taken = int(model.optimizer.iterations)
        assert taken == expected_steps
        assert [path.name for path in broken.glob("within-*")] == [f"within-{taken}.npz"]
    while int(model.optimizer.iterations) < STEPS * EPOCHS:
        train(model, table, broken)
    assert history(broken)[0] == history(whole)[0]
    for ours, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not list(broken.glob("within-*"))


def test_it_saves_as_often_as_it_is_told(make_table_model, table, tmp_path):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(sorted(path.name for path in tmp_path.glob("within-*")))

    model = make_table_model()
    model.fit(
        table, batch_size=25, epochs=1, verbose=0,
        callbacks=[TrainingSeconds(), SaveWithinEpochs(tmp_path / "model.keras", steps=3), Look()],
    )  # fmt: skip
    third, sixth = ["within-3.npz"], ["within-6.npz"]
    assert seen == [[], [], third, third, third, sixth, sixth, sixth]
    assert int(keras.saving.load_model(tmp_path / "model.keras").optimizer.iterations) == 6
    model.fit(
        table, batch_size=25, epochs=1, verbose=0,
        callbacks=[SaveWithinEpochs(tmp_path / "model.keras", seconds=1e-9)],
    )  # fmt: skip
    assert int(keras.saving.load_model(tmp_path / "model.keras").optimizer.iterations) == 15


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_epochs_of_unknown_length_keep_their_own_means(tmp_path):
    """Keras learns only after the last step that it was the last."""

    def losses(*callbacks):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse", run_eagerly=True)
        rows = tf.data.Dataset.from_tensor_slices((np.arange(8.0)[:, None] / 8, np.zeros(8)))
        batches = rows.batch(2).filter(lambda row, value: True)
        return model.fit(batches, epochs=3, shuffle=False, verbose=0, callbacks=list(callbacks)).history["loss"]

    assert losses(SaveWithinEpochs(tmp_path / "model.keras", steps=2)) == losses()
    assert not list(tmp_path.glob("within-*"))


@pytest.mark.slow
def test_seconds_before_a_break_count(make_table_model, table, tmp_path):
    model = make_table_model()
    with pytest.raises(KeyboardInterrupt):
        train(model, table, tmp_path, stop=lambda: int(model.optimizer.iterations) == 5)
    kept = tmp_path / "within-5.npz"
    with np.load(kept) as found:
        np.savez(kept, **{**found, "seconds": 1000.0})
    train(keras.saving.load_model(tmp_path / "model.keras"), table, tmp_path)
    assert 1000 < float(history(tmp_path)[1][0]["seconds"]) < 1100


def test_damaged_means_are_named(make_table_model, table, tmp_path):
    model = make_table_model()
    with pytest.raises(KeyboardInterrupt):
        train(model, table, tmp_path, stop=lambda: int(model.optimizer.iterations) == 5)
    kept = tmp_path / "within-5.npz"
    for content in (kept.read_bytes()[:100], b"noise"):
        kept.write_bytes(content)
        with pytest.raises(InputError, match="within-5.npz is damaged .*: remove it"):
            train(keras.saving.load_model(tmp_path / "model.keras"), table, tmp_path)
    kept.unlink()
    train(keras.saving.load_model(tmp_path / "model.keras"), table, tmp_path)
