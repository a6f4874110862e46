"""The export of a run's model, as two commands make it."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tf_gmvae import export, terminal
from tf_gmvae.model.gmvae import GMVAE
from train.run import groups, model_card
from train.run.folder import RunFolder
from train.run.settings import Settings


def define() -> None:
    """Defines the flag that says where exported models lie."""
    flags.DEFINE_string("saved_models_dir", "saved_models", "Where exported models are kept, one folder each.")


def write(model: GMVAE, settings: Settings, folder: RunFolder, path: Path) -> None:
    """Exports a model as the next version, and says where it is.

    Args:
        model: `GMVAE` of the run.
        settings: `Settings` of the run.
        folder: `RunFolder`.
        path: path of the exported model, the folder of its versions.
    """
    description = model_card.description(settings, folder)
    with terminal.step("Exporting"):
        version = export(model, path, description, groups.known_of(folder))
    terminal.say(f"Exported to {version}/")
