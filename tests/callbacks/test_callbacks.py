"""Callbacks in real trainings."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.full import disk_is_full

from tf_gmvae import TrainingDivergedError, callbacks
from tf_gmvae.callbacks import StopWithoutProgress
from tf_gmvae.callbacks.non_finite import guarded


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


def test_a_divergence_is_seen_before_other_callbacks_see_spoilt_weights():
    own, other = callbacks.StopOnNonFinite(), keras.callbacks.Callback()
    for given in ([other], other, keras.callbacks.CallbackList([other])):
        first, second = guarded(given)
        assert isinstance(first, callbacks.StopOnNonFinite) and second is other
    assert guarded([other, own]) == [other, own]
    (alone,) = guarded(None)
    assert isinstance(alone, callbacks.StopOnNonFinite)


@pytest.mark.slow
def test_seconds_leave_out_validation(make_table_model, table):
    class Slow(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            import time

            time.sleep(0.5 * (batch == 0))

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


def test_progress_is_that_of_validation_however_rare_it_is(make_table_model, tmp_path):
    told = StopWithoutProgress(2, tmp_path / "best.npz")
    told.set_model(make_table_model())
    for epoch in range(10):
        validated = {"val_elbo": -10.0 + epoch / 10} if epoch % 2 else {}
        told.on_epoch_end(epoch, {"elbo": -8.0 - epoch, **validated})
    assert not told.model.stop_training
    np.testing.assert_allclose(told.past, -10.0 + np.arange(1, 10, 2) / 10)


def test_training_without_progress_ends_at_its_best_epoch(make_table_model, tmp_path):
    model, path = make_table_model(), tmp_path / "best.npz"
    kept = {}

    def stops_after(elbos, past=()):
        """Epochs until the stop, each of which leaves its own weights."""
        model.stop_training = False
        callback = StopWithoutProgress(2, path, past)
        callback.set_model(model)
        for epoch, elbo in enumerate(elbos, start=len(past)):
            model.set_weights([np.full_like(weight, epoch) for weight in model.get_weights()])
            callback.on_epoch_end(
                epoch, elbo if isinstance(elbo, dict) else {"val_elbo": elbo, "elbo": float(epoch)}
            )
            if model.stop_training:
                kept["epoch"] = {float(value) for weight in model.get_weights() for value in np.ravel(weight)}
                return epoch + 1
        return None

    assert stops_after([-5.0, -3.0, -4.0, -3.5, -1.0]) == 4 and kept["epoch"] == {1.0}
    assert stops_after([-5.0, -3.0, -4.0, -2.0, -2.5]) is None
    # What comes after a break goes by what was before it, and the file.
    assert stops_after([-2.5, -2.4, -9.0], past=[-5.0, -3.0, -4.0, -2.0]) == 6 and kept["epoch"] == {3.0}
    assert stops_after([{"elbo": -1.0}, {"elbo": -2.0}, {"elbo": float("-inf")}]) == 3 and kept["epoch"] == {0.0}
    assert int(model.optimizer.iterations) == 0


def test_a_full_disk_leaves_the_weights_of_the_best_epoch_before(make_table_model, tmp_path):
    path = tmp_path / "best.npz"
    told = StopWithoutProgress(2, path)
    told.set_model(make_table_model())
    told.on_epoch_end(0, {"elbo": -2.0})
    before = path.read_bytes()
    with disk_is_full(after=len(before) // 2), pytest.raises(OSError):
        told.on_epoch_end(1, {"elbo": -1.0})
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_real_training_is_put_back_too(make_table_model, table, tmp_path):
    model = make_table_model()
    model.compile(run_eagerly=True)
    seen = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))
    # Nothing is learned after the first epoch, so the bound on fixed noise stays where it is.
    rates = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0 if epoch else 1e-3)
    stop = StopWithoutProgress(2, tmp_path / "best.npz")
    history = model.fit(table, validation_data=table, epochs=9, verbose=0, callbacks=[rates, look, stop]).history
    assert len(history["val_elbo"]) == 3
    for weight, best in zip(model.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(weight, best)
