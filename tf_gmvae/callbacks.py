"""Keras callbacks for training a GMVAE."""

import math
import os
import time
from pathlib import Path

import keras

from tf_gmvae.errors import TrainingDivergedError


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first step whose loss or term is NaN or infinite.

    It raises instead of setting `stop_training`, so that no callback after it, a checkpoint above all, sees
    the spoilt weights.

    Raises:
        TrainingDivergedError: naming epoch, step and the terms.
    """

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch, for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Checks the running means, which a single bad step spoils."""
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            # Loss and ELBO are sums of the terms; where a term is bad they add nothing to the message.
            terms = [name for name in bad if name not in ("loss", "elbo")] or bad
            raise TrainingDivergedError(
                f"Training diverged: {', '.join(terms)} became {logs[terms[0]]} at step {batch + 1} of epoch "
                f"{self._epoch + 1}; lower the learning rate, or look for extreme values in the data."
            )


class TrainingSeconds(keras.callbacks.Callback):
    """Adds `seconds` to an epoch's logs: the time of its training steps, without validation."""

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self._start, self._seconds = time.perf_counter(), None

    def on_test_begin(self, logs=None):
        """Stops the clock where validation begins."""
        if self._seconds is None:
            self._seconds = time.perf_counter() - self._start

    def on_epoch_end(self, epoch, logs=None):
        """Stops the clock, if validation has not, and logs it."""
        self.on_test_begin()
        logs["seconds"] = self._seconds


class SaveEveryEpoch(keras.callbacks.Callback):
    """Saves the whole model, optimizer and noise state included, after every epoch.

    The file is complete at any moment: it is written beside its place and moved there in one step.

    Args:
        path: of the `.keras` file.
    """

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch, logs=None):
        """Saves the model."""
        partial = self.path.with_name(f"{self.path.stem}.partial.keras")
        self.model.save(partial)
        os.replace(partial, self.path)
