"""Scores a finished run again: `python -m train.evaluate --run=runs/digits`."""

from absl import flags

from train import cli, job, score_table, scoring

flags.DEFINE_string("run", None, "Folder of the run.", required=True)
flags.DEFINE_string("data_dir", None, "Where the original files are now, if not where the run found them.")


def main():
    """Loads model and data of a run and writes its metrics anew."""
    folder, run_settings, model, dataset = job.open_run(flags.FLAGS.run, flags.FLAGS.data_dir)
    examination = scoring.examine(model, run_settings, dataset)
    print(score_table.table(scoring.score(model, run_settings, dataset, folder, examination)))


if __name__ == "__main__":
    cli.run(main)
