"""The answers that a run keeps of all its examples, read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError, in_short
from train.run.answers import ids as ids_of
from train.run.run import Run


def stamp(run: Run) -> tuple[int, int, int]:
    """What changes where the answers of a run are written again.

    Args:
        run: `Run` that has answers.
    """
    found = run.folder.clusters_parquet.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def read(run: Run, splits: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Columns of clusters.parquet, one value for each example.

    Args:
        run: `Run`.
        splits: the parts of its data by name, each a `Split` or `ShardedSplit`.

    Returns:
        Dict of arrays (N,): "id", "split", "cluster", "probability" and "elbo".

    Raises:
        InputError: if the file is missing, damaged, or of other data.
    """
    import pyarrow
    from pyarrow import parquet

    path = run.folder.clusters_parquet
    mend = f"`python -m train.evaluate --run={run.folder.path}` writes it"
    if not path.is_file():
        raise InputError(f"{path} is missing, which says what cluster every example is in: {mend}.")
    columns = ["id", "split", "cluster", "probability", "elbo"]
    total = sum(split.num_examples for split in splits.values())
    try:
        table = parquet.read_table(path, columns=columns)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} is damaged ({in_short(error)}): {mend} anew.") from None
    if table.num_rows != total or table.column_names != columns:
        raise InputError(
            f"{path} has {table.num_rows:,} rows, but there are {total:,} examples: {mend} for these, or put the "
            "data back."
        )
    found = {name: table[name].to_numpy() for name in columns}
    begin = 0
    for name, split in splits.items():
        rows = slice(begin, begin := begin + split.num_examples)
        ids = None if isinstance(split, ShardedSplit) else ids_of(split)
        if (found["split"][rows] != name).any() or (ids is not None and (found["id"][rows] != ids).any()):
            raise InputError(
                f"{path} is of other examples than the data hold now, or in another order: {mend} for these, or "
                "put the data back."
            )
    return found
