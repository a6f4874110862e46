"""Scores a finished run again: `python -m train.evaluate --run=runs/digits`."""

from pathlib import Path
from shlex import quote

from absl import flags

from tf_gmvae import disk, terminal
from tf_gmvae.errors import InputError
from train import cli
from train.run import appraisal, clusters, finished, floors, groups, lock, score_table
from train.run.saved import Outdated, check_current

finished.define()
flags.DEFINE_bool("floors", True, floors.HELP)

clusters.define()
groups.define()


def main() -> None:
    """Scores a run and stores that as its metrics; one in a place for reading alone is scored all the same."""
    clusters.check_names(flags.FLAGS.names, flags.FLAGS.answers)
    run = finished.opened()
    cut = flags.FLAGS.cut
    groups.checked(cut, run.settings.num_components)
    cut = groups.chosen(cut, run.folder)
    _, metrics, tree = appraisal.appraise(run, cut, flags.FLAGS.floors)
    if who := lock.holder(run.folder.path):
        terminal.say(
            f"This run is being trained by {who}: these are the scores of epoch {metrics['epochs']}.", hang=2
        )
    terminal.say(score_table.table(metrics), hang=score_table.HANG)
    stored: list[Path] = []
    try:
        check_current(run.folder, run.digest)
        run.folder.write_metrics(metrics)
        stored.append(run.folder.metrics)
        run.folder.write_tree(tree)
        stored.append(run.folder.tree)
        if flags.FLAGS.answers:
            clusters.write(run, flags.FLAGS.names, None if cut is None else tree.groups(cut))
    except Outdated as error:
        if flags.FLAGS.names is not None or flags.FLAGS.cut is not None:
            raise
        terminal.say(str(error), hang=2)
    except OSError as error:
        _tell(error, stored)
    else:
        if flags.FLAGS.names is not None:
            terminal.say(
                f"The report has the names after python -m train.report --run={quote(str(run.folder.path))}"
            )


def _tell(error, stored):
    """What is not stored: no fault where the run is for reading alone, and nothing but scores was asked for."""
    failure = disk.sentence(error)
    if failure is None:
        raise error
    kept = (
        f"{' and '.join(path.name for path in stored)} {'are' if stored[1:] else 'is'} stored" if stored else None
    )
    asked = flags.FLAGS.names is not None or flags.FLAGS.cut is not None
    if asked or not disk.is_closed(error):
        raise InputError(f"{failure}, then give the same command again; {kept or 'nothing is stored'}.") from None
    lost = f"{kept}, the rest is not" if kept else "These scores are not stored"
    terminal.say(f"{lost}: {error.filename} cannot be written ({error.strerror}).")


if __name__ == "__main__":
    cli.run(main)
