"""How many examples a run began with: data that have grown or shrunk since are not what it was trained on."""

from __future__ import annotations

import json

from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError
from train.run.folder import RunFolder

PARTS = {"train": "training", "test": "test"}


def note(folder: RunFolder, dataset: Dataset) -> None:
    """Stores the numbers of examples of a run that begins; what is stored already stays.

    Args:
        folder: `RunFolder`, opened.
        dataset: `Dataset` of the run.
    """
    if not folder.counts.is_file():
        folder.write_whole(folder.counts, json.dumps(_of(dataset)) + "\n")


def check(folder: RunFolder, dataset: Dataset, mend: str) -> None:
    """Checks that data are as many as the run began with.

    Args:
        folder: `RunFolder`. Of a run of an earlier version, which has no such record, nothing is known.
        dataset: `Dataset` as it is now.
        mend: text, what else can be done, after a comma.

    Raises:
        InputError: if they are not, or the record cannot be read.
    """
    known = folder.read_json(folder.counts, "move it away, and the run goes without it", "train")
    now = _of(dataset)
    for part, called in PARTS.items() if known else ():
        if known.get(part) != now[part]:
            raise InputError(
                f"{dataset.name} is not what the run in {folder.path} was trained on: it has {now[part] or 0:,} "
                f"{called} examples, and it had {known.get(part) or 0:,}. Put the data back, {mend}."
            )


def _of(dataset):
    splits = {"train": dataset.train, "test": dataset.test}
    return {part: None if split is None else split.num_examples for part, split in splits.items()}
