"""Clusters of new data.

For example `python -m train.predict --run=runs/wine --dataset=new.csv --output=clusters.csv`.
"""

from pathlib import Path

import numpy as np
from absl import flags

from tf_gmvae import checks, data, terminal
from tf_gmvae.data import described, table
from tf_gmvae.data.load import check_options, kind_of
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import listed
from train import cli
from train.run import answers, groups, samples
from train.run.exported import Exported
from train.run.folder import RunFolder
from train.run.last_screen import CERTAIN
from train.run.trained import Trained

flags.DEFINE_string("run", None, "Folder of the run; it, or --model.")
flags.DEFINE_string("model", None, "Exported model in its place, such as saved_models/wine/latest.")
flags.DEFINE_string("dataset", None, "New data, in any form that train.main takes; required.", required=True)
flags.DEFINE_string("data_dir", None, "Folder with the original files of the data, for those that have any.")
flags.DEFINE_string("id_column", None, "Of a table: the column by which rows are known; by default the run's.")
flags.DEFINE_bool(
    "skip_broken", None, "Of a folder of images: leave out those that cannot be read; by default as the run did."
)
# Part of the examples from which on outliers say more of the model than of them.
MANY = 0.1
flags.DEFINE_string("output", None, "File to write, .csv or .parquet; required.", required=True)
groups.define()


def main() -> None:
    """Reads new data as the model's own were read, and writes what the model says of them."""
    chosen = flags.FLAGS
    output = answers.check_output(chosen.output, chosen.dataset)
    if None not in (chosen.run, chosen.model):
        raise InputError("--run and --model name two models: leave one out.")
    if chosen.run is None and chosen.model is None:
        raise InputError("Name the model: --run= with the folder of a run, or --model= with an exported model.")
    trained = Exported(chosen.model) if chosen.run is None else Trained(RunFolder(chosen.run))
    splits = _load(chosen, trained)
    group_of = _groups(chosen.cut, trained)
    counts, sure, outliers = np.zeros(trained.num_components, "int64"), 0, 0

    def parts():
        nonlocal counts, sure, outliers
        for name, split in splits.items():
            for part in samples.chunks(split):
                columns = answers.rows(
                    {name: part}, trained.answer, trained.outlier_below, trained.names, group_of
                )
                counts += np.bincount(columns["cluster"], minlength=trained.num_components)
                sure += np.count_nonzero(columns["probability"] > CERTAIN)
                outliers += np.count_nonzero(columns.get("outlier", False))
                yield columns

    answers.write(parts(), output)
    total, in_use = int(counts.sum()), int(np.count_nonzero(counts))
    terminal.say(f"{total:,} example{'s' * (total > 1)} in {in_use} cluster{'s' * (in_use > 1)}: {output}")
    terminal.say(f"  {100 * sure / total:.1f} % have a probability above {CERTAIN:g}.")
    if outliers:
        are = "are outliers" if outliers > 1 else "is an outlier"
        terminal.say(f"  {outliers:,} {are}, unlike all that the model was trained on.")
        if outliers > MANY * total:
            terminal.say(
                "  So many are often no odd ones: of few examples a model knows those that it was trained on "
                "better than others of their kind."
            )


def _groups(cut, trained):
    """The group of each cluster, or None."""
    groups.checked(cut, trained.num_components)
    if cut is None:
        return None
    if trained.tree is None:
        raise InputError(
            "This model was made by an earlier version, without a tree of its clusters, so --cut has nothing to "
            "cut: `python -m train.evaluate --run=...` writes it, and `train.export` then exports it."
        )
    return trained.tree.groups(cut)


def _load(chosen, trained):
    """The parts of the new data by name, in the shape that the model takes."""
    path = Path(chosen.dataset).expanduser()
    kind = kind_of(chosen.dataset)
    if kind is not None:  # of what is none `data.load` has a sentence
        check_options(kind, chosen.dataset, id_column=chosen.id_column, skip_broken=chosen.skip_broken)
    if trained.columns is not None and kind in ("table", "parquet"):
        split = table.load_rows(path, trained.columns, chosen.id_column or trained.id_column)
        if chosen.id_column and split.ids is None:
            raise InputError(f"{path} has no column {chosen.id_column!r} for --id_column: name one it has.")
        return {"all": split}
    shape = trained.data_shape
    pictures, arrays = kind == "images" and len(shape) == 3, kind == "arrays"
    image_size = shape[0] if pictures and shape[0] == shape[1] else trained.image_size if arrays else None
    skip_broken = trained.skip_broken if chosen.skip_broken is None else chosen.skip_broken
    dataset = data.load(
        chosen.dataset,
        chosen.data_dir,
        image_size=image_size,
        channels=shape[2] if pictures else None,
        id_column=chosen.id_column,
        series=arrays and len(shape) == 2,
        skip_broken=pictures and skip_broken,
    )
    if dataset.skipped:
        more = f" and {len(dataset.skipped) - 1:,} more" if len(dataset.skipped) > 1 else ""
        terminal.say(f"Left out, since it cannot be read as an image: {dataset.skipped[0]}{more}.")
    expected, found = trained.columns, dataset.columns
    if expected is not None and found is not None and expected.meanings != found.meanings:
        raise InputError(
            f"{path} holds the columns {listed(found.names)}, and the model was trained on "
            f"{listed(expected.names)}, of certain kinds and in this order: give the table itself, whose columns "
            "are known by their names."
        )
    if pictures and image_size is None and dataset.train.data_shape != shape:
        height, width, _ = shape
        raise InputError(
            f"{path} has pictures of other sizes than {width} x {height} pixels, on which the model was trained, "
            f"and only squares are resized: resize them to {width} x {height}."
        )
    checks.check_shape((None, *dataset.train.data_shape), shape)
    splits = {"all": dataset.train} if dataset.test is None else {"train": dataset.train, "test": dataset.test}
    # Shards without columns, of versions that did not note them, are not in memory.
    for split in splits.values() if expected is not None and found is None and kind != "shards" else ():
        for name, odd in expected.no_levels(split.examples).items():
            described.tell_unseen(path, name, odd, split.examples[:, expected.names.index(name)])
    return splits


if __name__ == "__main__":
    cli.run(main)
