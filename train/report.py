"""The pictures of a finished run: `python -m train.report --run=runs/digits` writes its report.html.

Beside it lies explorer.html, the same to walk through.
"""

from absl import flags

from train import cli
from train.run import appraisal, explorer, finished, pictures

finished.define()
explorer.define()


def main() -> None:
    """Examines and scores the run anew, and draws; its record stays as it is."""
    run = finished.opened()
    run.folder.check_writable()
    pictures.write(run, *appraisal.appraise(run, compute_floors=False), flags.FLAGS.explorer)


if __name__ == "__main__":
    cli.run(main)
