"""What the workers beside the chief do, and what the chief tells them of the run."""

from __future__ import annotations

import functools
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from tf_gmvae import data, terminal
from tf_gmvae.errors import InputError
from train.run import job, together
from train.run.loading import load_data
from train.run.settings import Settings
from train.run.workers import FAILS, Workers

# Examples by which data are known again.
LOOKED_AT = 1000


def lead(settings: Settings, dataset: data.Dataset, workers: Workers) -> None:
    """Tells the others of the run, before any work, and waits until they have their data.

    Args:
        settings: resolved `Settings`.
        dataset: data of the run.
        workers: `Workers`, this process being the chief.

    Raises:
        InputError: if the batches cannot be shared, or one of them cannot go on.
    """
    workers.check_batch(settings.epoch_shape(dataset.train.num_examples)[0])
    if workers.workers > 1:
        workers.send(f"{_mark(dataset.train)}\n{settings.as_flags()}".encode())
        workers.check_all(None)


def follow(own: Settings, workers: Workers) -> None:
    """Trains together with the chief, until it says that the training is over. Nothing is written.

    Args:
        own: `Settings` of this process's flags, which say where its data are.
        workers: `Workers`.

    Raises:
        InputError: if the data are not those of the chief, or the chief cannot go on.
    """
    word, content = workers.send()
    if word == FAILS:
        raise _failed()
    settings, dataset, fault = None, None, None
    try:
        mark, _, flags = content.decode().partition("\n")
        settings = _read(flags, own)
        dataset = load_data(settings)
        if _mark(dataset.train) != mark:
            raise InputError(
                f"{settings.dataset} of worker {workers.worker} holds other examples than that of the chief: give "
                "all workers the same data."
            )
    except InputError as error:
        fault = error
    workers.check_all(fault)
    assert settings is not None and dataset is not None
    if not together.follow(workers, functools.partial(job.training_batches, settings, dataset.train)):
        raise _failed()
    terminal.say("The training is over. The chief scores, reports and exports.")


def _read(flags, own):
    """The settings of the chief, for the data of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.flags"
        path.write_text(flags, encoding="utf-8")
        return replace(Settings.read(path), dataset=own.dataset, data_dir=own.data_dir)


def _mark(split):
    """A text that other data do not have, of their shape and some examples."""
    looked_at = np.unique(np.linspace(0, split.num_examples - 1, LOOKED_AT).astype("int64"))
    crc = zlib.crc32(np.ascontiguousarray(split.take(looked_at).examples).tobytes())
    return f"{split.num_examples} {split.data_shape} {split.dtype} {crc:08x}"


def _failed():
    return InputError("The chief cannot go on: mend what it says, then start all again.")
