"""Another method than the GMVAE on the same data, by the same scores.

For example `python -m train.method --method=dec --dataset=digits`.
"""

from pathlib import Path

from absl import flags

from tf_gmvae import interrupts, terminal
from train import cli
from train.run import afterwards, explorer, last_screen, method_data, method_job, names, pictures, score_table
from train.run.folder import RunFolder
from train.run.method_job import MethodRun
from train.run.method_settings import MethodSettings
from train.run.run import check_in_memory, data_to_train_on

MethodSettings.define()
flags.DEFINE_string("name", None, "Of the run; by default data set, method, K and seed.")
flags.DEFINE_string("runs_dir", "runs", "Where runs are kept.")
flags.DEFINE_bool("resume", False, "Go on with the run of that name after its last finished epoch.")
flags.DEFINE_bool(
    "overwrite", False, "Replace the run of that name, once the first epoch of the new one is saved."
)
flags.DEFINE_bool("report", True, "Write report.html at the end: the clusters in pictures.")
explorer.define()


def main() -> None:
    """Prepares, fits, scores and saves one run."""
    chosen = flags.FLAGS
    settings = MethodSettings.from_flags(chosen)
    name = settings.default_name if chosen.name is None else chosen.name
    folder = RunFolder(Path(chosen.runs_dir) / names.checked(name, "--name", "give another --name"))
    replaces = opened = False
    try:
        with interrupts.not_lost(), folder.alone():
            folder.check_free(chosen.resume, chosen.overwrite)
            dataset, settings = data_to_train_on(settings, folder, chosen.resume)
            check_in_memory(dataset, "train.method")
            columns = method_data.columns_of(settings, dataset)
            method_job.new_model(settings, dataset, columns)  # says what is wrong before anything is written
            replaces = chosen.overwrite and folder.is_taken
            if replaces:
                with folder.replacement(settings) as new:
                    method_job.fit(MethodRun.begin(new, settings, dataset), one_epoch=True)
                replaces = False
            folder.open(settings, resume=chosen.resume or chosen.overwrite)
            opened = True
            folder.write_skipped(dataset.skipped)
            run = MethodRun.begin(folder, settings, dataset)
            method_job.fit(run)
            with terminal.step("Scoring"):
                log_assignments, codes = run.model.examine(run.examined)
                metrics = method_job.score(run, log_assignments)
            terminal.say("\n" + score_table.table(metrics), hang=score_table.HANG)
            folder.write_metrics(metrics)
            if chosen.report:
                pictures.write_of_method(run, log_assignments, codes, metrics, chosen.explorer)
    except KeyboardInterrupt as stop:
        ended = afterwards.of(folder, chosen.overwrite, replaces, opened)
        raise type(stop)(f"Stopped; {ended}.") from None
    last_screen.show(metrics, folder, {})


if __name__ == "__main__":
    cli.run(main)
