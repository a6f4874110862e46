"""A Keras callback that stops a training whose loss is no longer finite."""

import math
from collections.abc import Sequence

import keras

from tf_gmvae.errors import TrainingDivergedError

# What helps a training; and one whose learning rate is that of its paper.
LOWER_RATE = "lower the learning rate; if that does not help, standardise the data or drop extreme examples"
FIXED_RATE = "standardise the data, or drop extreme examples"


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first step whose loss or term is NaN or infinite.

    It raises instead of setting `stop_training`, so that no callback after it, a checkpoint above all, sees
    the spoilt weights.

    Args:
        mend: text, what to do about it after the first step. Default `LOWER_RATE`.

    Raises:
        TrainingDivergedError: naming epoch, step and the terms.
    """

    def __init__(self, mend: str = LOWER_RATE) -> None:
        super().__init__()
        self.mend = mend

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remembers the epoch, for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Checks the running means, which a single bad step spoils."""
        logs = logs or {}
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            # Loss and ELBO are sums of the terms; where a term is bad they add nothing to the message.
            terms = [name for name in bad if name not in ("loss", "elbo")] or bad
            # Nothing has been learned at the first step: it is the values themselves.
            mend = "standardise the data, column by column for a table, since their values are too large"
            if (self._epoch, batch) != (0, 0):
                mend = self.mend
            raise TrainingDivergedError(
                f"Training diverged: {', '.join(terms)} became {logs[terms[0]]} at step {batch + 1} of epoch "
                f"{self._epoch + 1}: {mend}."
            )


def guarded(
    callbacks: keras.callbacks.CallbackList | Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None,
) -> list[keras.callbacks.Callback]:
    """Callbacks as `fit` takes them, with one that stops at a loss that is not finite.

    Args:
        callbacks: list or one of them, or None.

    Returns:
        List, with a `StopOnNonFinite` first unless there is one: no checkpoint after it sees spoilt weights.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    found = keras.tree.flatten(callbacks) if callbacks else []
    return found if any(isinstance(each, StopOnNonFinite) for each in found) else [StopOnNonFinite(), *found]
