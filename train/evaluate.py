"""Scores a finished run again: `python -m train.evaluate --run=runs/digits`."""

from dataclasses import replace

from absl import flags

from train import cli, job, score_table, scoring, settings
from train.run_folder import RunFolder

flags.DEFINE_string("run", None, "Folder of the run.", required=True)
flags.DEFINE_string("data_dir", None, "Where the original files are now, if not where the run found them.")


def main():
    """Loads model and data of a run and writes its metrics anew."""
    folder = RunFolder(flags.FLAGS.run)
    run_settings = settings.Settings.read(folder.flags)
    if flags.FLAGS.data_dir:
        run_settings = replace(run_settings, data_dir=flags.FLAGS.data_dir)
    model, dataset = job.load_model(folder), job.load_data(run_settings)
    examination = scoring.examine(model, run_settings, dataset)
    print(score_table.table(scoring.score(model, run_settings, dataset, folder, examination)))


if __name__ == "__main__":
    cli.run(main)
