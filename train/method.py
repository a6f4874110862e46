"""Another method than the GMVAE on the same data, by the same scores.

For example `python -m train.method --method=dec --dataset=digits`.
"""

from absl import flags

from tf_gmvae import terminal
from train import cli
from train.run import explorer, frame, last_screen, method_data, method_job, pictures, score_table
from train.run.loading import check_in_memory, data_to_train_on
from train.run.method_job import MethodRun
from train.run.method_settings import MethodSettings

MethodSettings.define()
frame.define("data set, method, K and seed")
flags.DEFINE_bool("report", True, "Write report.html at the end: the clusters in pictures.")
explorer.define()


def main() -> None:
    """Prepares, fits, scores and saves one run."""
    chosen = flags.FLAGS
    settings = MethodSettings.from_flags(chosen)
    folder = frame.folder_of(chosen, settings.default_name)
    with frame.alone(folder, chosen) as progress:
        dataset, settings = data_to_train_on(settings, folder, chosen.resume)
        check_in_memory(dataset, "train.method")
        columns = method_data.columns_of(settings, dataset)
        method_job.new_model(settings, dataset, columns)  # says what is wrong before anything is written
        progress.replaces = chosen.overwrite and folder.is_taken
        if progress.replaces:
            with folder.replacement(settings) as new:
                method_job.fit(MethodRun.begin(new, settings, dataset), one_epoch=True)
            progress.replaces = False
        # One that cannot go on is refused before anything in its folder changes.
        left = MethodRun.left(folder, settings, dataset) if folder.model.is_file() else None
        folder.open(settings, resume=chosen.resume or chosen.overwrite)
        progress.opened = True
        folder.write_skipped(dataset.skipped)
        run = left or MethodRun.begin(folder, settings, dataset)
        method_job.fit(run)
        with terminal.step("Scoring"):
            log_assignments, codes = run.model.examine(run.examined)
            metrics = method_job.score(run, log_assignments)
        terminal.say("\n" + score_table.table(metrics), hang=score_table.HANG)
        folder.write_metrics(metrics)
        if chosen.report:
            pictures.write_of_method(run, log_assignments, codes, metrics, chosen.explorer)
    last_screen.show(metrics, folder, {})


if __name__ == "__main__":
    cli.run(main)
