"""Callbacks in real trainings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_gmvae import TrainingDivergedError, callbacks


def test_divergence_is_named_and_the_last_good_model_kept(make_table_model, table, tmp_path):
    model = make_table_model()
    path = tmp_path / "model.keras"

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch, batch) == (1, 2):
                bias = self.model.w_head.streams.bias
                bias.assign(tf.fill(bias.shape, 1e30))  # the square of it is infinite

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    watched = [Spoil(), callbacks.StopOnNonFinite(), callbacks.SaveEveryEpoch(path)]
    with pytest.raises(
        TrainingDivergedError, match="w_prior.* became .* at step 3 of epoch 2: lower the learning rate"
    ):
        model.fit(table, epochs=3, batch_size=50, verbose=0, callbacks=watched)
    kept = keras.saving.load_model(path)
    assert int(kept.optimizer.iterations) == 4
    assert np.isfinite(kept.predict(table, verbose=0)).all()


def test_a_sound_training_is_not_stopped(make_table_model, table):
    history = make_table_model().fit(
        table, epochs=2, batch_size=50, verbose=0, callbacks=[callbacks.StopOnNonFinite()]
    )
    assert history.epoch == [0, 1]


def test_seconds_leave_out_validation(make_table_model, table):
    class Slow(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            import time

            time.sleep(0.5)

    seconds = callbacks.TrainingSeconds()
    model = make_table_model()
    model.fit(table, validation_data=(table,), epochs=1, batch_size=50, verbose=0)  # traces both steps
    history = model.fit(
        table, validation_data=(table,), epochs=1, batch_size=50, verbose=0, callbacks=[seconds, Slow()]
    ).history
    assert 0 < history["seconds"][0] < 0.5


def test_a_save_cut_short_leaves_the_former_file(make_table_model, table, tmp_path, monkeypatch):
    model = make_table_model()
    path = tmp_path / "model.keras"
    model.fit(table, epochs=1, verbose=0, callbacks=[callbacks.SaveEveryEpoch(path)])
    before = path.read_bytes()

    def save_half(partial):
        partial.write_bytes(before[: len(before) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save", save_half)
    with pytest.raises(OSError, match="No space"):
        model.fit(table, epochs=1, verbose=0, callbacks=[callbacks.SaveEveryEpoch(path)])
    assert path.read_bytes() == before
