"""The pictures of a finished run: `python -m train.report --run=runs/digits` writes its report.html.

Beside it lies explorer.html, the same to walk through.
"""

from absl import flags

from tf_gmvae import terminal
from train import cli
from train.run import explorer, finished, floors, groups, pictures, scoring

finished.define()
explorer.define()


def main() -> None:
    """Examines and scores the run anew, and draws; its record stays as it is."""
    run = finished.opened()
    run.folder.check_writable()
    with terminal.step("Scoring"):
        examination = scoring.examine(run)
        metrics = scoring.score(run, examination)
        tree = groups.tree_of(run)
    metrics["hierarchy"] = groups.scores(tree, examination.posterior, run.scored.labels, None)
    metrics["floors"] = floors.beside(run, examination.posterior, compute=False)
    pictures.write(run, examination, metrics, tree, flags.FLAGS.explorer)


if __name__ == "__main__":
    cli.run(main)
