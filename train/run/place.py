"""Where the training of a run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tf_gmvae import terminal
from tf_gmvae.optimizer import steps_taken
from train.run.folder import RunFolder

if TYPE_CHECKING:
    from train.run.run import Run


class Place(NamedTuple):
    """From where a training goes on, and how far; JSON can hold it.

    Attributes:
        skip_batches: integer, the steps that are done.
        steps_per_epoch: integer, those of every epoch to come; of one that was begun, those that are left.
        initial_epoch: integer, the epochs that are done.
        epochs: integer, how many are done at the end.
    """

    skip_batches: int
    steps_per_epoch: int
    initial_epoch: int
    epochs: int

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch was begun, whose rest comes next."""
        return self.skip_batches != self.initial_epoch * self.steps_per_epoch

    @property
    def fit(self) -> dict[str, Any]:
        """The arguments of `keras.Model.fit`."""
        return {name: value for name, value in self._asdict().items() if name != "skip_batches"}


def place_of(run: Run, one_epoch: bool = False) -> Place | None:
    """Where a run stands, which is said; its history is cut to that.

    Args:
        run: `Run` with an opened folder and a compiled model.
        one_epoch: whether there will be no more than one epoch. Default False.

    Returns:
        `Place`, or None where nothing is left to train.
    """
    settings, folder = run.settings, run.folder
    _, steps = settings.epoch_shape(run.dataset.train.num_examples)
    assert settings.epochs is not None  # resolved
    # The model itself says how far it came, so no second file can disagree with it.
    steps_done = steps_taken(run.model.optimizer)
    epochs_done, within = divmod(steps_done, steps)
    folder.keep_history(epochs_done)
    out_of_time = settings.minutes is not None and seconds_of(folder) >= 60.0 * settings.minutes
    has_ended = settings.has_ended(folder.read_history())
    if epochs_done >= settings.epochs or (epochs_done and out_of_time) or has_ended:
        terminal.say(f"The run is finished after epoch {epochs_done}: nothing is left to train.")
        return None
    if steps_done:
        where = f"at step {within + 1:,} of epoch {epochs_done + 1}" if within else f"after epoch {epochs_done}"
        terminal.say(f"Going on {where} of {settings.epochs}.")
    elif not one_epoch:
        epochs = f"{settings.epochs} epoch{'s' * (settings.epochs > 1)}"
        terminal.say(f"Training: {epochs} of {steps:,} step{'s' * (steps > 1)}.")
    # What is left of an epoch is a training of its own.
    return Place(steps_done, steps - within, epochs_done, epochs_done + 1 if within else settings.epochs)


def seconds_of(folder: RunFolder) -> float:
    """The seconds that start and epochs of a run have taken.

    Args:
        folder: `RunFolder`.
    """
    return folder.read_start()["seconds"] + sum(row["seconds"] for row in folder.read_history())
