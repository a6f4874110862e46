"""Trains a GMVAE: `python -m train.main --flagfile=digits.flags`."""

from dataclasses import replace
from pathlib import Path
from shlex import quote

from absl import flags

from tf_gmvae import interrupts, terminal
from tf_gmvae.serving import versions
from train import cli
from train.run import (
    appraisal,
    clusters,
    counts,
    explorer,
    exporting,
    floors,
    follower,
    frame,
    groups,
    how_many,
    job,
    last_screen,
    pictures,
    score_table,
    settings,
    workers,
)  # fmt: skip
from train.run import exported as exported_model
from train.run.loading import data_to_train_on
from train.run.run import Run, build_model, resolved
from train.run.saved import load_model

settings.Settings.define()
frame.define("data set, K, M and seed")
flags.DEFINE_enum(
    "strategy",
    "auto",
    list(workers.STRATEGIES),
    "What trains: one device; mirrored, all GPUs of this machine; workers, the machines of TF_CONFIG, on each of "
    "which this command runs; auto is workers where TF_CONFIG names several, else one.",
)
flags.DEFINE_bool("report", True, "Write report.html at the end: the run in pictures.")
explorer.define()
flags.DEFINE_bool("floors", True, floors.HELP)
clusters.define()
groups.define()
flags.DEFINE_bool(
    "export", True, "At the end make the next version of a served model of it, as train.export does."
)
exporting.define()


def main() -> None:
    """Builds, fits, scores and saves one run, or helps another machine with one."""
    run_settings = settings.Settings.from_flags(flags.FLAGS)
    with interrupts.not_lost(), workers.joined(flags.FLAGS.strategy) as together:
        if together.is_chief:
            _make(run_settings, together)
        else:
            follower.follow(run_settings, together)


def _make(run_settings, together):
    """The run, on the one process that writes it."""
    chosen = flags.FLAGS
    folder = frame.folder_of(chosen, run_settings.default_name)
    with frame.alone(folder, chosen) as progress:
        exported = Path(chosen.saved_models_dir) / folder.path.name
        # Not after hours of training.
        clusters.check_names(chosen.names, chosen.answers)
        if chosen.export:
            versions.check_place(exported)
        dataset, run_settings = data_to_train_on(run_settings, folder, chosen.resume)
        terminal.say(
            f"{dataset.name}: {dataset.train.num_examples:,} training examples of {dataset.train.data_shape}."
        )
        has_start = chosen.resume and folder.model.is_file()
        run_settings, asked = how_many.settled(resolved(run_settings, dataset, has_start), dataset)
        groups.checked(chosen.cut, run_settings.num_components)
        clusters.check_names_of(chosen.names, dataset, run_settings.num_components)
        follower.lead(run_settings, dataset, together)
        progress.replaces = chosen.overwrite and folder.is_taken
        if progress.replaces:
            with folder.replacement(run_settings) as new:
                run = _begun(new, run_settings, dataset, asked)
                job.fit(run, True, together)
            run = replace(run, folder=folder)
            progress.replaces, progress.opened = False, True
            terminal.say(f"The first epoch is saved: it replaces the run that was in {folder.path}.")
        else:
            # One that cannot go on is refused before anything in its folder changes.
            left = Run(folder, run_settings, dataset, load_model(folder)) if has_start else None
            folder.open(run_settings, chosen.resume)
            progress.opened = True
            run = left or _begun(folder, run_settings, dataset, asked)
        job.fit(run, workers=together)
        together.send(word=workers.ENDS)
        _conclude(run, exported)


def _begun(folder, run_settings, dataset, asked):
    """A new run, with its start if it has one."""
    folder.write_skipped(dataset.skipped)
    if asked is not None:
        folder.write_how_many(asked.record)
    run = Run(folder, run_settings, dataset, build_model(run_settings, dataset))
    counts.note(folder, dataset)
    if run_settings.initialize:
        job.initialize(run, None if asked is None else asked.found)
    return run


def _conclude(run, exported):
    """Scores, draws and exports what is trained, and says what may come next."""
    chosen, folder = flags.FLAGS, run.folder
    cut = groups.chosen(chosen.cut, folder)
    examination, metrics, tree = appraisal.appraise(run, cut, chosen.floors)
    terminal.say("\n" + score_table.table(metrics), hang=score_table.HANG)
    folder.write_metrics(metrics)
    folder.write_tree(tree)
    if chosen.answers:
        clusters.write(run, chosen.names, None if cut is None else tree.groups(cut))
    if chosen.report:
        pictures.write(run, examination, metrics, tree, chosen.explorer)
    if chosen.export:
        version = versions.newest(exported)
        if version and exported_model.is_of(version, folder):
            terminal.say(f"The model has been exported already, to {version}/")
        else:
            exporting.write(run.model, run.settings, folder, exported)
    last_screen.show(
        metrics,
        folder,
        {
            "every term, epoch by epoch": f"tensorboard --logdir={quote(str(folder.tensorboard))}",
            "the scores once more": f"python -m train.evaluate --run={quote(str(folder.path))}",
            # Under the name that its seed gives it.
            "another seed": f"python -m train.main --flagfile={quote(str(folder.flags))} "
            f"--seed={run.settings.seed + 1}",
        },
    )


if __name__ == "__main__":
    cli.run(main)
