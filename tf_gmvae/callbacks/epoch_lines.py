"""A Keras callback that shows one line an epoch, and the time left."""

from __future__ import annotations

import time

import keras

from tf_gmvae import terminal

# What a line shows, in this order: of the logs the name, what it is called ("" for `held_out`), and its priority.
# If the line is too long, those with the highest number are left out.
_SHOWN = (
    ("elbo", "ELBO", 0),
    ("val_elbo", "", 1),
    ("loss", "loss", 3),
    ("reconstruction", "recon", 8),
    ("x_prior", "x", 7),
    ("conditional_prior", "x", 9),
    ("z_prior", "z", 6),
    ("w_prior", "w", 5),
)
# Of other models so many numbers are shown.
OTHERS = 4
# Of the time left: two and "59:59 left".
LEFT_COLUMNS = 12


class EpochLines(keras.callbacks.Callback):
    """One line an epoch that a person can read, at most 100 columns, and within an epoch a bar with the time left.

    For `model.fit(..., verbose=0, callbacks=[..., EpochLines()])`. It stands last: it shows what callbacks before
    it add to the logs, `CollapseWatch` the components in use, `TestPart` the ELBO and the accuracy of the test
    part. Where standard output is no terminal, a long epoch has a line every 30 seconds.

    Args:
        seconds: float, budget of `StopAfterSeconds`, to which the time left is bounded. Default None.
        held_out: text, what the examples behind `val_elbo` are called. Default "val".
        epochs: integer, the last epoch of the whole, where `fit` is a part of it. Default None: that of `fit`.
    """

    def __init__(self, seconds: float | None = None, held_out: str = "val", epochs: int | None = None) -> None:
        super().__init__()
        self.seconds, self.held_out, self.epochs = seconds, held_out, epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forgets an earlier training."""
        self._after = 0.0  # seconds of an epoch after its last step
        self._a_step: float | None = None
        self._widths: dict[str, int] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Begins the bar."""
        self._epoch, self._steps = epoch, self.params.get("steps")
        self._bar = terminal.Bar(f"  epoch {self._number()}")
        self._began = self._last = time.monotonic()
        self._first: tuple[int, float] | None = None
        self._bar.reached(0, self._steps, self._left(0))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Moves the bar; the first step, in which TensorFlow builds its graph, says nothing about the others."""
        done, self._last = batch + 1, time.monotonic()
        if self._first is None:
            self._first = (done, self._last)
        elif done > self._first[0]:
            self._a_step = (self._last - self._first[1]) / (done - self._first[0])
        self._bar.reached(done, self._steps, self._left(done))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the line."""
        now = time.monotonic()
        self._after = now - self._last
        logs = logs or {}
        if self.seconds is not None:
            self.seconds -= logs.get("seconds", now - self._began)
        more = epoch + 1 < self._of() and not self.model.stop_training
        left = self._left(self._steps or 0) if more else None
        fields = [(0, f"  epoch {self._number()}"), *self._fields(logs), (7, f"{now - self._began:5.1f} s")]
        # The last line, without a time left, has the same columns.
        left_text = "" if left is None else f"{terminal.clock(left)} left"
        room = terminal.columns() - max(LEFT_COLUMNS, len(left_text) + 2)
        while len("  ".join(text for _, text in fields)) > room and (least := max(fields)[0]):
            fields = [field for field in fields if field[0] < least]
        number, *texts = (text for _, text in fields)
        terminal.say((number, "bold"), "".join(f"  {text}" for text in texts), (f"  {left_text}", "cyan"))

    def _of(self):
        return self.epochs or self.params["epochs"]

    def _number(self):
        epochs = self._of()
        return f"{self._epoch + 1:>{len(str(epochs))}}/{epochs}"

    def _left(self, done):
        """Seconds left after so many steps of this epoch, or None if nothing is known of them."""
        epochs = self._of() - self._epoch - 1
        if not self._steps or self._a_step is None:
            return None
        left = (self._steps - done + epochs * self._steps) * self._a_step + epochs * self._after
        left += self._after * (done < self._steps)
        return left if self.seconds is None else min(left, max(0.0, self.seconds))

    def _fields(self, logs):
        """Pairs of a priority and a text."""
        found = []
        for name, label, priority in _SHOWN:
            if name in logs and not (name == "loss" and "elbo" in logs):
                found.append((priority, f"{label or self.held_out} {self._padded(name, logs[name])}"))
        if not {"elbo", "reconstruction"} & logs.keys():
            known = {name for name, _, _ in _SHOWN} | {"seconds"}
            others = [name for name in logs if name not in known and not name.startswith(("val_", "test_"))]
            found += [(10, f"{name} {self._padded(name, logs[name])}") for name in others[:OTHERS]]
        if "agreement" in logs:
            found.append((2, f"agreement {self._padded('agreement', 100 * logs['agreement'])} %"))
        used = logs.get("components_in_use", logs.get("test_components_in_use"))
        if used is not None and hasattr(self.model, "num_components"):
            found.append((2, f"{used:.0f}/{self.model.num_components} clusters"))
        if "test_accuracy_majority" in logs:
            found.append((3, f"acc {self._padded('accuracy', 100 * logs['test_accuracy_majority'])} %"))
        return found

    def _padded(self, name, value):
        digits = 2 if abs(value) < 10 and ("elbo" in name or "loss" in name) else 1
        text = f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.3g}"
        self._widths[name] = width = max(len(text), self._widths.get(name, 0))
        return f"{text:>{width}}"
