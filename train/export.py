"""Makes a served model of a finished run: `python -m train.export --run=runs/digits`."""

from pathlib import Path

from absl import flags

from tf_gmvae.serving import versions
from train import cli
from train.run import exporting, finished, names
from train.run.folder import RunFolder
from train.run.saved import load_model

finished.define(with_data=False)
exporting.define()
flags.DEFINE_string("name", None, "Of the exported model; by default the run's.")


def main() -> None:
    """Exports the model of a run as the next version."""
    chosen = flags.FLAGS
    folder = RunFolder(chosen.run)
    name = folder.path.resolve().name if chosen.name is None else chosen.name
    path = Path(chosen.saved_models_dir) / names.checked(name, "--name", "give another --name")
    run_settings = folder.read_settings()
    versions.check_place(path)
    model = load_model(folder)
    exporting.write(model, run_settings, folder, path)


if __name__ == "__main__":
    cli.run(main)
