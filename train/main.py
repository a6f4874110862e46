"""Trains a GMVAE: `python -m train.main --flagfile=digits.flags`."""

from pathlib import Path

from absl import flags

from tf_gmvae import export
from tf_gmvae.serving import versions
from train import cli, job, model_card, report, score_table, scoring, settings
from train.run_folder import RunFolder

settings.define()
flags.DEFINE_string("name", None, "Of the run; by default data set, K, M and seed.")
flags.DEFINE_string("runs_dir", "runs", "Where runs are kept.")
flags.DEFINE_bool("resume", False, "Go on with the run of that name after its last finished epoch.")
flags.DEFINE_bool("overwrite", False, "Replace the run of that name.")
flags.DEFINE_bool("report", True, "Write report.html at the end: the run in pictures.")
flags.DEFINE_bool(
    "export", True, "At the end make the next version of a served model of it, as train.export does."
)
flags.DEFINE_string("saved_models_dir", "saved_models", "Where exported models are kept, one folder each.")


def main():
    """Builds, fits, scores and saves one run."""
    chosen = flags.FLAGS
    run_settings = settings.Settings.from_flags(chosen)
    folder = RunFolder(f"{chosen.runs_dir}/{chosen.name or run_settings.default_name}")
    folder.check_free(chosen.resume, chosen.overwrite)
    exported = Path(chosen.saved_models_dir) / folder.path.name
    if chosen.export:
        versions.check_place(exported)  # not after hours of training
    dataset = job.load_data(run_settings)
    print(f"{dataset.name}: {dataset.train.num_examples:,} training examples of {dataset.train.data_shape}.")
    model, run_settings = job.build_model(run_settings, dataset)
    folder.open(run_settings, chosen.resume, chosen.overwrite)
    if chosen.resume and folder.model.is_file():
        model = job.load_model(folder)
    elif run_settings.initialize:
        job.initialize(model, run_settings, dataset, folder)
    job.fit(model, run_settings, dataset, folder)
    examination = scoring.examine(model, run_settings, dataset)
    metrics = scoring.score(model, run_settings, dataset, folder, examination)
    print("\n" + score_table.table(metrics))
    if chosen.report:
        report.write(model, run_settings, dataset, folder, examination, metrics)
    if chosen.export:
        print(f"\nExported to {export(model, exported, model_card.description(run_settings, folder))}/")
    print(
        f"\nThe run lies in {folder.path}/ (model.keras, metrics.json, history.csv, run.flags). Next:\n"
        f"  tensorboard --logdir={folder.tensorboard}\n"
        f"  python -m train.evaluate --run={folder.path}\n"
        f"  python -m train.main --flagfile={folder.flags} --name=another --seed={run_settings.seed + 1}"
    )


if __name__ == "__main__":
    cli.run(main)
