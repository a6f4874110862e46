"""A run from its settings: build, initialize, fit."""

import sys
import time
import zipfile
from dataclasses import replace

import keras
import numpy as np

from tf_gmvae import GMVAE, data, inputs, presets
from tf_gmvae.callbacks.basic import (
    SaveEveryEpoch,
    StopAfterSeconds,
    StopOnNonFinite,
    TestScores,
    TrainingSeconds,
    save_whole,
)
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.callbacks.component_pictures import ComponentPictures
from tf_gmvae.errors import InputError
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.start import initialization
from train.run import scoring
from train.run.folder import RunFolder

# Training examples whose posteriors the collapse watch looks at.
WATCHED = 2000
# Epochs from one drawing of the components to the next.
PICTURED = 5


def load_data(settings):
    """Loads the data set of a run.

    Args:
        settings: `Settings`.

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if it cannot be had.
    """
    return data.load(
        settings.dataset,
        settings.data_dir,
        image_size=settings.image_size,
        channels=settings.channels,
        seed=settings.seed,
    )


def build_model(settings, dataset):
    """Makes the untrained, compiled model of a run.

    Args:
        settings: `Settings`.
        dataset: the run's `tf_gmvae.data.Dataset`.

    Returns:
        Pair of the `GMVAE` and the settings with its preset and likelihood named.

    Raises:
        InputError: if settings and data do not go together.
    """
    shape = dataset.train.data_shape
    preset = presets.get(settings.preset) if settings.preset else presets.for_shape(shape)
    model = GMVAE.from_preset(
        preset.name,
        num_components=settings.num_components,
        num_samples=settings.num_samples,
        min_information=settings.min_information,
        likelihood=settings.likelihood or preset.likelihood,
        data_shape=shape,
        seed=settings.seed,
    )
    model.compile(FusedAdam(settings.learning_rate, epsilon=1e-8))
    for split in filter(None, (dataset.train, dataset.test)):
        inputs.check_values(split.examples, model.likelihood)
    if settings.initialize:
        initialization.check_enough(dataset.train, settings.num_components)
    return model, settings.resolved(preset.name, model.likelihood.name)


def initialize(model, settings, dataset, folder):
    """Gives an untrained model its start and saves it.

    Args:
        model: compiled `GMVAE`.
        settings: `Settings`.
        dataset: `tf_gmvae.data.Dataset`, of which the training split serves.
        folder: opened `RunFolder`; the model and the record of the start are written there.

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    began = time.perf_counter()
    start = model.initialize(
        dataset.train,
        pretraining_epochs=settings.pretraining_epochs,
        beta=settings.pretraining_beta,
        guided_epochs=settings.guided_epochs,
        num_factors=settings.num_factors,
        binarize=settings.binarize,
        verbose=_verbosity(),
    )
    record = {
        "seconds": round(time.perf_counter() - began, 3),
        "examples_a_component": np.bincount(start.labels.argmax(axis=1), minlength=model.num_components).tolist(),
    }
    folder.write_start(record)
    save_whole(model, folder.model)


def fit(model, settings, dataset, folder, one_epoch=False):
    """Trains up to the epochs of the settings, from where the model stands.

    Args:
        model: compiled `GMVAE`, new or loaded from the folder.
        settings: `Settings`.
        dataset: `tf_gmvae.data.Dataset`.
        folder: opened `RunFolder`; history, model and TensorBoard events are written there.
        one_epoch: whether to stop after the next epoch, however many are to come.

    Raises:
        InputError: if the model has no optimizer.
        TrainingDivergedError: at the first value that is not finite; the folder keeps the last good model.
    """
    batch_size, steps = settings.epoch_shape(dataset.train.num_examples)
    if getattr(model, "optimizer", None) is None:
        raise InputError(
            f"{folder.model} was saved without its optimizer, so its training cannot go on: train the run anew, "
            "with --overwrite."
        )
    # The model itself says how far it came, so no second file can disagree with it.
    steps_done = int(model.optimizer.iterations)
    epochs_done = steps_done // steps
    folder.keep_history(epochs_done)
    spent = folder.read_start()["seconds"] + sum(row["seconds"] for row in folder.read_history())
    out_of_time = settings.minutes is not None and spent >= 60.0 * settings.minutes
    if epochs_done >= settings.epochs or (epochs_done and out_of_time):
        print(f"The run is finished after epoch {epochs_done}: nothing is left to train.", flush=True)
        return
    if epochs_done:
        print(f"Going on after epoch {epochs_done} of {settings.epochs}.", flush=True)
    batches = data.to_batches(
        dataset.train,
        batch_size,
        shuffle_seed=settings.seed,
        num_epochs=None,
        skip_batches=steps_done,
        drop_remainder=True,
        binarize=settings.binarize,
    )
    labels = dataset.train.labels
    watched = data.Split(dataset.train.examples[:WATCHED], None if labels is None else labels[:WATCHED])
    callbacks = [
        StopOnNonFinite(),
        TrainingSeconds(),
        CollapseWatch(
            data.to_batches(watched, scoring.EVALUATION_BATCH, binarize=settings.binarize),
            log_dir=folder.tensorboard / "watch",
            revive=settings.revive,
        ),
    ]
    callbacks.append(
        ComponentPictures(
            watched,
            folder.tensorboard / "components",
            PICTURED,
            dataset.class_names,
            settings.seed,
            settings.binarize,
        )
    )
    if dataset.test is not None and dataset.test.labels is not None:
        callbacks.append(TestScores(scoring.evaluation_batches(settings, dataset), dataset.test.labels))
    if settings.minutes is not None:
        callbacks.append(StopAfterSeconds(60.0 * settings.minutes, spent))
    if one_epoch:
        callbacks.append(StopAfterSeconds(0.0))
    model.fit(
        batches,
        steps_per_epoch=steps,
        initial_epoch=epochs_done,
        epochs=settings.epochs,
        validation_data=scoring.evaluation_batches(settings, dataset) if dataset.test else None,
        verbose=_verbosity(),
        callbacks=[
            *callbacks,
            # Before the model is saved: a saved epoch always has its row, a row too many is dropped later.
            keras.callbacks.CSVLogger(folder.history, append=True),
            SaveEveryEpoch(folder.model),
            keras.callbacks.TensorBoard(folder.tensorboard, write_graph=False),
        ],
    )


def load_model(folder):
    """Loads the model a run has saved.

    Args:
        folder: `RunFolder`.

    Returns:
        `GMVAE`, compiled if it was when it was saved.

    Raises:
        InputError: if there is none, or it cannot be read.
    """
    if not folder.model.is_file():
        raise InputError(f"{folder.path} has no {folder.model.name}: the run has not finished its first epoch.")
    fault = "it is cut short, or no model that Keras has saved"
    if zipfile.is_zipfile(folder.model):
        try:
            model = keras.saving.load_model(folder.model)
        except Exception as error:  # whatever a damaged or foreign file leads the readers to
            fault = (str(error).strip().splitlines() or [type(error).__name__])[0][:160].rstrip(".:")
        else:
            if isinstance(model, GMVAE):
                return model
            fault = "it holds something other than a GMVAE"
    raise InputError(
        f"{folder.model} cannot be read ({fault}): put back a copy of it, or train the run anew, with --overwrite."
    )


def open_run(path, data_dir=None):
    """A run that was trained, with all it needs to be looked at.

    Args:
        path: of its folder.
        data_dir: where the original files of its data are now, if not where the run found them.

    Returns:
        Its `RunFolder`, `Settings`, `GMVAE` and `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if it is no run, has no model, or its data cannot be had.
    """
    folder = RunFolder(path)
    settings = folder.read_settings()
    if data_dir:
        settings = replace(settings, data_dir=data_dir)
    folder.read_history()  # what is damaged is found out before any work
    folder.read_start()
    return folder, settings, load_model(folder), load_data(settings)


def _verbosity():
    """Of Keras: a bar where a person looks on, a line an epoch in a file."""
    return "auto" if sys.stdout.isatty() else 2
