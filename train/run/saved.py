"""Models that runs have saved."""

from __future__ import annotations

import json
import zipfile
from typing import TypeVar

import keras

from tf_gmvae import GMVAE
from tf_gmvae.errors import InputError, in_short
from tf_gmvae.tables.columns import Columns
from train.run.folder import RunFolder

Kind = TypeVar("Kind", bound=keras.Model)


class Outdated(InputError):
    """A run has another model than the one that was asked."""


def digest_of(folder: RunFolder) -> str | None:
    """The digest of the model that a run has saved; None if there is none.

    Args:
        folder: `RunFolder`.
    """
    try:
        return folder.model_digest()
    except FileNotFoundError:  # maybe while another run takes its place
        return None


def check_current(folder: RunFolder, digest: str | None) -> None:
    """Checks that a run still has the model that was asked, before what it said is stored as the run's.

    Args:
        folder: `RunFolder`.
        digest: as `digest_of` gave it before anything else of the run was read; None where nobody else may write.

    Raises:
        Outdated: if it has another one.
    """
    if digest is not None and digest_of(folder) != digest:
        raise Outdated(
            f"{folder.path} was trained meanwhile, and has another model than the one that was scored, so nothing "
            "more is stored: give the same command again, once no process trains it."
        )


def columns_of(folder: RunFolder) -> Columns | None:
    """The columns that the model of a run knows, read without the model.

    Args:
        folder: `RunFolder`.

    Returns:
        `Columns`; None where there is no model, or none of a table. What is damaged, `load_model` tells of.
    """
    try:
        with zipfile.ZipFile(folder.model) as file:
            config = json.loads(file.read("config.json"))
        return Columns.from_config(config["config"]["likelihood"]["config"]["columns"])
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile):
        return None


def load_model(folder: RunFolder) -> GMVAE:
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
    return read_model(folder, GMVAE)


def read_model(folder: RunFolder, kind: type[Kind]) -> Kind:
    """Reads the model file of a run.

    Args:
        folder: `RunFolder` with a model.
        kind: class that it must be of.

    Returns:
        Model of that class.

    Raises:
        InputError: if it cannot be read.
    """
    fault = "it is cut short, or no model that Keras has saved"
    if zipfile.is_zipfile(folder.model):
        try:
            model = keras.saving.load_model(folder.model)
        except Warning:  # no fault of the file: with PYTHONWARNINGS=error, Keras' own end what it does
            raise
        except Exception as error:  # whatever a damaged or foreign file leads the readers to
            newer = _newer_keras(folder.model)
            if newer is not None:
                raise InputError(
                    f"{folder.model} was saved with Keras {newer}, and cannot be read with the older "
                    f"{keras.__version__}: install keras>={newer}, which may want a newer Python, too."
                ) from None
            fault = in_short(error)
        else:
            if isinstance(model, kind):
                return model
            fault = f"it holds something other than a {kind.__name__}"
    raise InputError(
        f"{folder.model} cannot be read ({fault}): put back a copy of it, or train the run anew, with --overwrite."
    )


def _newer_keras(path):
    """Version of the Keras that saved a model, if it is newer than this one, else None."""
    try:
        with zipfile.ZipFile(path) as file:
            version = json.loads(file.read("metadata.json"))["keras_version"]
        its, here = ([int(number) for number in each.split(".")[:2]] for each in (version, keras.__version__))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile):
        return None
    return version if its > here else None
