"""Models that runs have saved."""

from __future__ import annotations

import zipfile
from typing import TypeVar

import keras

from tf_gmvae import GMVAE
from tf_gmvae.errors import InputError, in_short
from train.run.folder import RunFolder

Kind = TypeVar("Kind", bound=keras.Model)


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
            fault = in_short(error)
        else:
            if isinstance(model, kind):
                return model
            fault = f"it holds something other than a {kind.__name__}"
    raise InputError(
        f"{folder.model} cannot be read ({fault}): put back a copy of it, or train the run anew, with --overwrite."
    )
