"""The pictures of a finished run: `python -m train.report --run=runs/digits` writes its report.html."""

from dataclasses import asdict

import numpy as np
from absl import flags

from tf_gmvae import data, report
from tf_gmvae.figures import drawing
from train import cli
from train.run import job, scoring

SAMPLES = 8
RECONSTRUCTED = 16
# Components that are walked through, the largest; lines through w of each; places, in deviations of its prior.
WALKED = 6
LINES = 2
WALK = np.linspace(-2.5, 2.5, 9)
# Generated examples, where the data are points of a plane.
DRAWN = 2000


def write(model, run_settings, dataset, folder, examination, metrics):
    """Writes the report of a run, and says where it lies.

    Args:
        model: `GMVAE`.
        run_settings: resolved `Settings`.
        dataset: `tf_gmvae.data.Dataset`.
        folder: `RunFolder`; the report is written there.
        examination: of `scoring.examine`.
        metrics: of `scoring.score`.
    """
    print("Drawing the report ...", flush=True)
    split = dataset.test or dataset.train
    seed, shown = run_settings.seed, run_settings.shareable
    reconstructed = np.sort(
        np.random.default_rng(seed).choice(
            split.num_examples, min(RECONSTRUCTED, split.num_examples), replace=False
        )
    )
    counts = np.bincount(examination.posterior.argmax(axis=1), minlength=model.num_components)
    largest = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]][:WALKED]
    page = report.render(
        report.Findings(
            name=folder.path.name,
            examples=split.examples,
            posterior=examination.posterior,
            x=examination.x,
            elbo=examination.terms.elbo,
            reconstructed=reconstructed,
            reconstructions=model.reconstruct(
                data.to_batches(
                    data.Split(split.examples[reconstructed]), RECONSTRUCTED, binarize=run_settings.binarize
                )
            ),
            samples=drawing.samples(model, SAMPLES, seed),
            walks=dict(zip(largest, drawing.walks(model, largest, WALK, LINES), strict=True)),
            drawn=model.generate(DRAWN if split.data_shape == (2,) else 1, seed=seed),
            history=folder.read_history(),
            metrics={**metrics, "dataset": shown.dataset},
            settings=asdict(shown),
            labels=split.labels,
            class_names=dataset.class_names,
            seed=seed,
            log_posterior=examination.log_posterior,
            uint8_scale=model.likelihood.uint8_scale,
        )
    )
    folder.write_whole(folder.report, page)
    print(f"The run in pictures: {folder.report} ({len(page) / 2**20:.1f} MB)")


def main():
    """Examines and scores the run anew, and draws."""
    folder, run_settings, model, dataset = job.open_run(flags.FLAGS.run, flags.FLAGS.data_dir)
    folder.check_writable()
    examination = scoring.examine(model, run_settings, dataset)
    metrics = scoring.score(model, run_settings, dataset, folder, examination)
    folder.write_metrics(metrics)
    write(model, run_settings, dataset, folder, examination, metrics)


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "Folder of the run; required.", required=True)
    flags.DEFINE_string("data_dir", None, "Where the original files are now, if not where the run found them.")
    cli.run(main)
