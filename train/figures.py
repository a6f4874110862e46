"""The figures of the paper: `python -m train.figures --figure=2`, and likewise 3, 4, 5 and 6.

Each is written as PNG and SVG. Fig. 2 and 3 train what they show, on the five arcs; Fig. 4 takes the runs of
`train.table1`, Fig. 5 and 6 a finished run of `train.main` on images.
"""

import json
import tempfile
from pathlib import Path

from absl import flags

from tf_gmvae import figures, terminal
from tf_gmvae.errors import InputError
from train import cli
from train.paper import arcs_figures, arcs_training, run_figures
from train.run.folder import RunFolder
from train.run.record import LARGEST_SEED

NUMBERS = ("2", "3", "4", "5", "6")

flags.DEFINE_list(
    "figure", None, "Which of the paper's figures, 2 to 6; several as in 2,3; required.", required=True
)
flags.DEFINE_string("table1", None, "For Fig. 4: table1.json of train.table1, its runs beside it.")
flags.DEFINE_string("run", None, "For Fig. 5 (MNIST) or 6 (SVHN): folder of a finished run on images.")
flags.DEFINE_string("figures_dir", "figures", "Where the figures are written.")
flags.DEFINE_integer("epochs", 60, "Of both trainings behind Fig. 2 and 3.", 1)
flags.DEFINE_integer("seed", 0, "Of data, trainings and all that is drawn.", 0, LARGEST_SEED)


def main() -> None:
    """Draws what is asked for; what can be wrong is found out before anything is trained or written."""
    chosen = flags.FLAGS
    wanted = _wanted(chosen.figure)
    curves = run_figures.read_curves(chosen.table1) if "4" in wanted else {}
    of_run = next((number for number in wanted if number in "56"), None)
    model = run_figures.image_model(chosen.run, of_run) if of_run else None
    folder = _writable(chosen.figures_dir)
    if "2" in wanted or "3" in wanted:
        dataset = arcs_training.load(chosen.seed)
        collapsed, cured = (
            arcs_training.train(dataset, min_information, chosen.epochs, chosen.seed)
            for min_information in (0.0, arcs_training.MIN_INFORMATION)
        )
    for number in wanted:
        if number == "2":
            sharp = arcs_training.learn_noise(cured, dataset, chosen.epochs)
            figure, record = arcs_figures.figure2(dataset, collapsed, cured, sharp, chosen.seed)
            _write(folder, number, figure, record)
        elif number == "3":
            _write(folder, number, *arcs_figures.figure3(dataset, collapsed, cured))
        elif number == "4":
            _write(folder, number, figures.accuracy_figure(curves))
        elif model is not None:
            _write(folder, number, run_figures.samples_figure(model, chosen.seed, walks=number == "5"))


def _wanted(numbers):
    wanted = sorted(set(numbers))
    unknown = [number for number in wanted if number not in NUMBERS]
    if unknown or not wanted:
        raise InputError(f"--figure takes {', '.join(NUMBERS)}, one or several. Received: {','.join(numbers)!r}")
    if {"5", "6"} <= set(wanted):
        raise InputError(
            "Figures 5 and 6 are of two runs, MNIST and SVHN: ask for one at a time, each with its --run."
        )
    return wanted


def _writable(path):
    """The folder, made if need be and tried out."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}): give another --figures_dir.") from None
    return folder


def _write(folder, number, figure, record=None):
    """Writes PNG, SVG and, where there are some, the numbers."""
    paths = [folder / f"figure{number}.{suffix}" for suffix in ("png", "svg")]
    figures.save(figure, *paths)
    if record:
        RunFolder.write_whole(folder / f"figure{number}.json", json.dumps(record, indent=2) + "\n")
    terminal.say(f"Figure {number}: {paths[0]} and {paths[1].name}")
    if record:
        terminal.say(arcs_figures.summary(record), hang=4)


if __name__ == "__main__":
    cli.run(main)
