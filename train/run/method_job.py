"""A run of another method: its training, and what it makes of the examples that are scored, in numbers."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tf_gmvae import data, evaluation, methods, terminal
from tf_gmvae.callbacks import SaveEveryEpoch, StopAfterSeconds, TrainingSeconds, save_whole
from tf_gmvae.callbacks.epoch_lines import EpochLines
from tf_gmvae.clustering.recipe import with_columns
from tf_gmvae.evaluation import diagnostics
from tf_gmvae.optimizer import steps_taken
from tf_gmvae.tables.columns import Columns
from train.run import counts, last_screen, method_data
from train.run.folder import RunFolder
from train.run.history import History
from train.run.method_settings import MethodSettings
from train.run.saved import read_model
from train.run.scoring import versions

# What can be done with data that are not those of a run.
NEW_RUN = "or train a new run on them, with --overwrite"


@dataclass(frozen=True, eq=False)
class MethodRun:
    """A run of another method.

    Attributes:
        folder: `RunFolder`, where it lies.
        settings: `MethodSettings`.
        dataset: `tf_gmvae.data.Dataset`.
        model: `methods.ClusteringMethod`.
        columns: `Columns` that are put on one scale; None of images and the like, and of a run on a table that an
            earlier version began, which goes on with raw columns.
    """

    folder: RunFolder
    settings: MethodSettings
    dataset: data.Dataset
    model: methods.ClusteringMethod
    columns: Columns | None = None

    @classmethod
    def begin(cls, folder: RunFolder, settings: MethodSettings, dataset: data.Dataset) -> MethodRun:
        """A new run.

        Args:
            folder: `RunFolder`, opened.
            settings: `MethodSettings`.
            dataset: `tf_gmvae.data.Dataset`.

        Returns:
            `MethodRun`.

        Raises:
            InputError: if the method cannot be trained on these data.
        """
        columns = method_data.columns_of(settings, dataset)
        model = new_model(settings, dataset, columns)
        counts.note(folder, dataset, columns)
        return cls(folder, settings, dataset, model, columns)

    @classmethod
    def left(cls, folder: RunFolder, settings: MethodSettings, dataset: data.Dataset) -> MethodRun:
        """A run as it was left. Nothing is written.

        Args:
            folder: `RunFolder` with a model.
            settings: `MethodSettings`.
            dataset: `tf_gmvae.data.Dataset`.

        Returns:
            `MethodRun`.

        Raises:
            InputError: if its model cannot be read, or the data have grown, shrunk or got other columns since.
        """
        columns = counts.columns(folder)
        counts.check(folder, dataset, NEW_RUN)
        counts.check_columns(folder, with_columns(dataset), columns, NEW_RUN)
        return cls(folder, settings, dataset, read_model(folder, methods.get(settings.method)), columns)

    @property
    def scored(self) -> data.Split:
        """The part of the data that is scored: the test part, or the training part where there is no other."""
        return self.dataset.scored

    @functools.cached_property
    def seen(self) -> data.Dataset:
        """The data as the method sees them."""
        return method_data.seen(self.dataset, self.columns)

    @property
    def examined(self) -> np.ndarray:
        """The examples that are scored, as the method sees them."""
        return self.seen.scored.examples


def new_model(
    settings: MethodSettings, dataset: data.Dataset, columns: Columns | None
) -> methods.ClusteringMethod:
    """The untrained model of a run.

    Args:
        settings: `MethodSettings`.
        dataset: `tf_gmvae.data.Dataset`.
        columns: `Columns`, as in `MethodRun`.

    Returns:
        `methods.ClusteringMethod`.

    Raises:
        InputError: if it cannot be trained on these data.
    """
    kind, train = methods.get(settings.method), method_data.seen(dataset, columns).train
    model = kind(train.data_shape, settings.num_components, settings.seed)
    model.checked(train)
    return model


def fit(run: MethodRun, one_epoch: bool = False) -> None:
    """Prepares the method, and trains it up to its epochs, from where it stands.

    History and model are written into the folder, epoch by epoch.

    Args:
        run: `MethodRun` with an opened folder.
        one_epoch: whether to stop after the next epoch, however many are to come. Default False.

    Raises:
        TrainingDivergedError: at the first value that is not finite; the folder keeps the last good model.
    """
    model, folder, train = run.model, run.folder, run.seen.train
    if not model.is_prepared.numpy():
        began = time.perf_counter()
        model.prepare(train.examples)
        folder.write_start({"seconds": round(time.perf_counter() - began, 3)})
        save_whole(model, folder.model)
    _, steps = model.epoch_shape(train.num_examples)
    epochs_done = steps_taken(model.optimizer) // steps
    folder.keep_history(epochs_done)
    epochs = model.EPOCHS if run.settings.epochs is None else run.settings.epochs
    if epochs_done >= epochs or model.has_ended:
        terminal.say(f"The run is finished after epoch {epochs_done}: nothing is left to train.")
        return
    model.fit(
        train,
        epochs=epochs,
        initial_epoch=epochs_done,
        verbose=0,
        callbacks=[
            TrainingSeconds(),
            _TestScores(run),
            *([StopAfterSeconds(0.0)] if one_epoch else []),
            # Before the model is saved: a saved epoch always has its row, a row too many is dropped later.
            History(folder.history),
            SaveEveryEpoch(folder.model),
            EpochLines(),
        ],
    )


def score(run: MethodRun, log_assignments: np.ndarray) -> dict[str, Any]:
    """Scores a trained method. Nothing is written.

    Args:
        run: `MethodRun`.
        log_assignments: array (N, K), of the examples that are scored.

    Returns:
        Dict of the metrics, which JSON can hold.
    """
    settings, history = run.settings, run.folder.read_history()
    posterior = np.exp(log_assignments)
    return {
        "method": settings.method,
        "dataset": settings.dataset,
        "scored_on": run.dataset.scored_name,
        "num_examples": run.scored.num_examples,
        "num_components": settings.num_components,
        "seed": settings.seed,
        "epochs": len(history),
        "ended": run.model.has_ended,
        "start_seconds": run.folder.read_start()["seconds"],
        "train_seconds": round(sum(row["seconds"] for row in history), 3),
        "parameters": run.model.count_params(),
        **evaluation.scores(posterior, run.scored.labels, log_assignments),
        **last_screen.figures(posterior),
        "collapse": diagnostics.verdicts(
            {
                "usage_entropy": diagnostics.usage_entropy(posterior),
                "posterior_entropy": 0.0,  # how soft assignments are is the method's design: DEC's always are
            },
            settings.num_components,
            None,
            np.bincount(posterior.argmax(axis=1), minlength=settings.num_components),
            remedy=_remedy(run.model),
        ),
        "table1_protocol": evaluation.TABLE1_PROTOCOL,
        "versions": versions(),
    }


def _remedy(model):
    """What this command can do about clusters that hold too few examples, or too many."""
    longer = "" if model.has_ended else "train longer (--epochs), "
    return f"{longer}try another --seed, or use fewer clusters (--num_components)"


class _TestScores(keras.callbacks.Callback):
    """Adds scores on the test part to an epoch's logs, as `test_...`: to watch, never to choose by."""

    def __init__(self, run: MethodRun) -> None:
        super().__init__()
        self.split = run.seen.test

    def on_epoch_end(self, epoch, logs=None):
        """Examines and scores."""
        if self.split is not None and self.split.labels is not None:
            log_assignments, _ = self.model.examine(self.split.examples)
            scores = evaluation.scores(np.exp(log_assignments), self.split.labels, log_assignments)
            logs.update({f"test_{name}": value for name, value in scores.items() if value is not None})
