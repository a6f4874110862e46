"""Keras callbacks that count the seconds of a training, and end it after so many."""

import time

import keras


class TrainingSeconds(keras.callbacks.Callback):
    """Adds `seconds` to an epoch's logs: the time of its training steps, without validation."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()
        self._seconds: float | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Stops the clock where validation begins."""
        self._stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops the clock, if validation has not, and logs it."""
        logs = {} if logs is None else logs
        logs["seconds"] = self._stop()

    def _stop(self) -> float:
        if self._seconds is None:
            self._seconds = time.perf_counter() - self._start
        return self._seconds


class StopAfterSeconds(keras.callbacks.Callback):
    """Stops training after the epoch in which a budget is used up.

    It goes by the seconds of `TrainingSeconds`, which must stand before it.

    Args:
        seconds: budget.
        spent: seconds of it that are already gone. Default 0.
    """

    def __init__(self, seconds: float, spent: float = 0.0) -> None:
        super().__init__()
        self.seconds, self.spent = seconds, spent

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch's seconds."""
        self.spent += (logs or {})["seconds"]
        if self.spent >= self.seconds:
            self.model.stop_training = True
