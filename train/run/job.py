"""What makes a run: its start and its training."""

import functools
import time

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import data, evaluation, interrupts, terminal
from tf_gmvae.callbacks import (
    SaveEveryEpoch,
    StopAfterSeconds,
    StopWithoutProgress,
    TestPart,
    TrainingSeconds,
    save_whole,
)
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.callbacks.component_pictures import ComponentPictures
from tf_gmvae.callbacks.epoch_lines import EpochLines
from tf_gmvae.callbacks.within_epochs import SaveWithinEpochs
from tf_gmvae.data.pipeline import rows_of
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError
from tf_gmvae.optimizer import falling_rate
from tf_gmvae.sampling import drawn
from tf_gmvae.start.initialization import Start
from train.run import guide, last_screen, samples, together
from train.run.definitions import LABELS
from train.run.folder import RunFolder
from train.run.history import History
from train.run.place import Place, place_of, seconds_of
from train.run.rows import Rows
from train.run.run import Run
from train.run.settings import Settings, elbos
from train.run.workers import Workers

# Training examples whose posteriors the collapse watch looks at.
WATCHED = 2000
# Epochs from one drawing of the components to the next.
PICTURED = 5


def initialize(run: Run, found: Start | None = None) -> None:
    """Gives an untrained model its start and saves it, with the record of the start; one that was killed goes on.

    Args:
        run: `Run` with an opened folder and a new model.
        found: `Start`, clusters that were found when their number was chosen. Default None.

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    settings, model = run.settings, run.model
    clock = _StartClock(run.folder)
    train, known, guided = run.dataset.train, None, {}
    if settings.guide_table is not None:
        known, classes = guide.read(settings.guide_table, train, settings.num_components)
    start = model.initialize(
        train,
        pretraining_epochs=settings.pretraining_epochs,
        beta=settings.pretraining_beta,
        guided_epochs=settings.guided_epochs,
        num_factors=settings.num_factors,
        views=None if settings.views == "none" else settings.views,
        binarize=settings.binarize,
        callbacks=[clock],
        checkpoints=run.folder.start_checkpoints,
        known=known,
        found=found,
    )
    if known is not None:
        clusters = start.labels.argmax(axis=1)
        guided["guide"] = guide.names_of(clusters, known[start.indices], classes, settings.num_components)
    with terminal.step("  What the start has made of the examples"):
        if settings.hold:
            held = _assignments(run, start if settings.hold_to == LABELS else None)
            run.folder.write_start_assignments((train.num_examples, settings.num_held), held)
        counts = np.bincount(start.labels.argmax(axis=1), minlength=model.num_components)
        log_posterior = model.log_posterior(run.batches(run.scored))
        labels = train.take(start.indices).labels if train.has_labels else None
    run.folder.write_start_clusters(log_posterior.argmax(axis=1))
    run.folder.write_start(
        {
            "seconds": clock.seconds,
            "examples_a_component": counts.tolist(),
            "certain": last_screen.certain(start.labels),
            # On the training examples that have them, and on those that the run is scored on.
            "labels_found": evaluation.scores(start.labels, labels),
            "after": evaluation.scores(np.exp(log_posterior), run.scored.labels, log_posterior),
            **guided,
        }
    )
    save_whole(model, run.folder.model)


def fit(run: Run, one_epoch: bool = False, workers: Workers | None = None) -> None:
    """Trains up to the epochs of the settings, from where the model stands.

    History, model and TensorBoard events are written into the folder, epoch by epoch; the model also within
    them, as often as the settings say, and where SIGTERM asks the process to end.

    Args:
        run: `Run` with an opened folder.
        one_epoch: whether to stop after the next epoch, however many are to come; default False.
        workers: `Workers` to train together with, this process being the chief; default None, alone.

    Raises:
        InputError: if the model has no optimizer.
        TrainingDivergedError: at the first value that is not finite; the folder keeps the last good model.
        interrupts.Terminated: after SIGTERM, once the model is saved.
    """
    if getattr(run.model, "optimizer", None) is None:
        raise InputError(
            f"{run.folder.model} was saved without its optimizer, so its training cannot go on: train the run "
            "anew, with --overwrite."
        )
    place = place_of(run, one_epoch)
    while place is not None:
        _train(run, place, one_epoch, workers)
        place = place_of(run) if place.is_within_epoch and not one_epoch else None


def _train(run, place, one_epoch, workers):
    """One call of Keras' `fit`."""
    settings, model, train = run.settings, run.model, run.dataset.train
    model.initialized = settings.initialize  # which a loaded model does not know
    if settings.falling_rate:
        _, steps = settings.epoch_shape(train.num_examples)
        model.optimizer.learning_rate = falling_rate(settings.learning_rate, settings.epochs * steps)
    is_alone = workers is None or workers.strategy is None
    held = _held(run, in_memory=not (is_alone and isinstance(train, ShardedSplit)))
    make_batches = functools.partial(training_batches, settings, train)
    callbacks = _callbacks(run, one_epoch)
    often = None if settings.save_every_minutes is None else 60.0 * settings.save_every_minutes
    with interrupts.noted() as is_terminated:
        callbacks = [
            TrainingSeconds(),
            SaveWithinEpochs(
                run.folder.model, settings.save_every_steps, often, is_terminated, interrupts.Terminated
            ),
            *callbacks,
        ]
        if is_alone:
            model.fit(make_batches(held, place), verbose=0, callbacks=callbacks, **place.fit)
        else:
            together.fit(workers, model, make_batches, held, place, callbacks)


def _callbacks(run, one_epoch):
    """What looks at the training, stops it and records its epochs, in the order in which they are called."""
    settings, dataset, folder = run.settings, run.dataset, run.folder
    spent, budget = seconds_of(folder), None if settings.minutes is None else 60.0 * settings.minutes
    watched = dataset.train.take(drawn(dataset.train.num_examples, WATCHED, settings.seed))
    callbacks = [
        CollapseWatch(run.batches(watched), log_dir=folder.tensorboard / "watch", revive=settings.revive),
        ComponentPictures(
            watched,
            folder.tensorboard / "components",
            PICTURED,
            dataset.class_names,
            settings.seed,
            settings.binarize,
        ),
    ]
    if dataset.test is not None:
        callbacks.append(TestPart(run.batches(run.scored), run.scored.labels))
    if settings.patience is not None:
        callbacks.append(StopWithoutProgress(settings.patience, folder.best, elbos(folder.read_history())))
    if budget is not None:
        callbacks.append(StopAfterSeconds(budget, spent))
    if one_epoch:
        callbacks.append(StopAfterSeconds(0.0))
    return [
        *callbacks,
        # Before the model is saved: a saved epoch always has its row, a row too many is dropped later.
        History(folder.history),
        SaveEveryEpoch(folder.model),
        keras.callbacks.TensorBoard(folder.tensorboard, write_graph=False),
        EpochLines(None if budget is None else budget - spent, "test", settings.epochs),
    ]


def _assignments(run, start):
    """What the start has made of the training examples: posteriors of all levels side by side, part by part.

    Of the examples that `start` has labels of, those stand in the place of the posterior p(z | y); None: of none.
    """
    begin = 0
    for part in samples.chunks(run.dataset.train):
        if run.model.style_heads:
            found = np.concatenate(run.model.predict_levels(run.batches(part)), axis=1)
        else:
            found = run.model.predict(run.batches(part), verbose=0)
        if start is not None:
            first, last = np.searchsorted(start.indices, (begin, begin + len(found)))
            found[start.indices[first:last] - begin, : start.labels.shape[1]] = start.labels[first:last]
        yield found
        begin += len(found)


def _held(run, in_memory):
    """What training holds on to, or None: an array, or the rows of a file that are read as they are needed."""
    if not run.settings.hold:
        return None
    num_examples = run.dataset.train.num_examples
    rows = run.folder.read_start_assignments((num_examples, run.settings.num_held))
    return rows.take(np.arange(num_examples)) if in_memory else rows


def training_batches(
    settings: Settings,
    train: data.Split,
    held: np.ndarray | Rows | None,
    place: Place,
    share: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Endless batches of examples, or of these and what is held on to, from where the run stands.

    Args:
        settings: resolved `Settings`.
        train: training part of the data.
        held: array (N, K), or the rows of one in a file, or None without --hold.
        place: `Place`.
        share: as in `data.to_batches`. Default (0, 1), all.

    Returns:
        `tf.data.Dataset`.
    """
    batches = data.to_batches(
        train,
        settings.epoch_shape(train.num_examples)[0],
        binarize=settings.binarize,
        shuffle_seed=settings.seed,
        num_epochs=None,
        skip_batches=place.skip_batches,
        drop_remainder=True,
        with_numbers=held is not None,
        share=share,
    )
    if held is None:
        return batches
    if not isinstance(held, Rows):
        return batches.map(rows_of(held))

    @tf.autograph.experimental.do_not_convert
    def with_held(examples, numbers):
        rows = tf.numpy_function(held.take, [numbers], tf.float32, stateful=False)
        return examples, tf.ensure_shape(rows, (numbers.shape[0], settings.num_held))

    return batches.map(with_held)


class _StartClock(keras.callbacks.Callback):
    """Seconds of a start, those before a break included, in its record after every epoch."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder, self.spent, self.began = folder, folder.read_start()["seconds"], time.perf_counter()

    @property
    def seconds(self) -> float:
        """So far."""
        return round(self.spent + time.perf_counter() - self.began, 3)

    def on_epoch_end(self, epoch, logs=None):
        """Notes them."""
        self.folder.write_start({"seconds": self.seconds})
