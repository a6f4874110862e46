"""What data a run began with: those of another number, or with other columns, are not what it was trained on."""

from __future__ import annotations

import json

from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns, listed
from train.run.folder import RunFolder

PARTS = {"train": "training", "test": "test"}


def note(folder: RunFolder, dataset: Dataset, columns: Columns | None = None) -> None:
    """Stores the numbers of examples of a run that begins; what is stored of one that has a model stays.

    Args:
        folder: `RunFolder`, opened.
        dataset: `Dataset` of the run.
        columns: `Columns` that the run puts on one scale, where its model does not know them. Default None.
    """
    if not (folder.counts.is_file() and folder.model.is_file()):
        record = _of(dataset) | ({} if columns is None else {"columns": columns.as_config()})
        folder.write_whole(folder.counts, json.dumps(record) + "\n")


def columns(folder: RunFolder) -> Columns | None:
    """The `Columns` that are stored there, without which the model of the run says nothing of new rows; or None.

    Args:
        folder: `RunFolder`.

    Raises:
        InputError: if the record is damaged.
    """
    mend = "put back a copy of it, or train the run anew, with --overwrite"
    record = folder.read_json(folder.counts, mend, "train") or {}
    try:
        return None if "columns" not in record else Columns.from_config(record["columns"])
    except (LookupError, TypeError, ValueError):
        raise InputError(f"{folder.counts} is damaged (its columns cannot be read): {mend}.") from None


def check(folder: RunFolder, dataset: Dataset, mend: str) -> None:
    """Checks that data are as many as the run began with.

    Args:
        folder: `RunFolder`. Of a run of an earlier version, which has no such record, nothing is known, and a run
            without a model has been trained on nothing.
        dataset: `Dataset` as it is now.
        mend: text, what else can be done, after a comma.

    Raises:
        InputError: if they are not, or the record cannot be read.
    """
    if not folder.model.is_file():  # it has been trained on nothing yet
        return
    mend_of_damage = "move it away, and the run goes without it"
    known = folder.read_json(folder.counts, mend_of_damage, "train")
    now = _of(dataset)
    for part, called in PARTS.items() if known else ():
        if not isinstance(known.get(part), int | None):
            raise InputError(f"{folder.counts} is damaged (its numbers cannot be read): {mend_of_damage}.")
        if known.get(part) != now[part]:
            raise InputError(
                f"{dataset.name} is not what the run in {folder.path} was trained on: it has {now[part] or 0:,} "
                f"{called} examples, and it had {known.get(part) or 0:,}. Put the data back, {mend}."
            )


def check_columns(folder: RunFolder, dataset: Dataset, known: Columns | None, mend: str) -> None:
    """Checks that a table has the columns that the run began with, in their order.

    Args:
        folder: `RunFolder`.
        dataset: `Dataset` as it is now.
        known: `Columns` of the run; None where there are none, or none are known.
        mend: text, what else can be done, after a comma.

    Raises:
        InputError: if one is missing, or is of another kind or of other levels.
    """
    now = dataset.columns
    if known is None or now is None or known.meanings == now.meanings:
        return
    missing = [name for name in known.names if name not in now.names]
    differs = sorted(set(known.meanings) ^ set(now.meanings)) or known.meanings  # if the order alone is another
    fault = f"its column {differs[0][0]!r} holds something else"
    if missing:
        fault = f"it lacks the column{'s' * (len(missing) > 1)} {listed(missing)}"
    raise InputError(
        f"{dataset.name} is not what the run in {folder.path} was trained on: {fault}. Put the file back, {mend}."
    )


def _of(dataset):
    splits = {"train": dataset.train, "test": dataset.test}
    return {part: None if split is None else split.num_examples for part, split in splits.items()}
