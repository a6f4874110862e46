"""The few examples that a person has labelled to guide a start, from a small table."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError
from tf_gmvae.start.known import UNKNOWN, of_parts
from train.run import answers, cluster_names


def read(path: str, split: Split, num_components: int) -> tuple[np.ndarray, list[str]]:
    """The classes of the examples that a table names.

    Args:
        path: table with columns id and name.
        split: training part of the data, whose ids they are.
        num_components: K.

    Returns:
        Int64 array (N,), the class of each example of the split or -1, and the C names of these classes.

    Raises:
        InputError: if the split is in shards, or the table cannot be read, has other columns, an id that is not
            that of one training example, two names for one, or more names than there are components.
    """
    table = cluster_names.columns_of(path)
    if "id" not in table:
        raise InputError(f"{path} must have a column 'id' beside the column 'name', for examples that are known.")
    if isinstance(split, ShardedSplit):
        raise InputError(
            f"--guide_labels takes examples in memory, and those of {split.folder} are in shards, not in memory: "
            "leave it out, or give a smaller part of the data as one file."
        )
    names, own = table["name"], answers.ids(split).tolist()
    times, number_of = Counter(own), {text: number for number, text in enumerate(own)}
    ids = cluster_names.as_known(table["id"], times)
    unknown = [text for text in ids if times[text] != 1]
    if unknown:
        raise InputError(
            f"{path} has the id {unknown[0]!r}, which is not that of one training example: take ids of the column "
            f"--id_column names, file names, or numbers of rows from 0 to {len(own) - 1}."
        )
    classes = sorted(set(names))
    if len(classes) > num_components:
        raise InputError(
            f"{path} has {len(classes)} different names, but there are {num_components} components: raise "
            "--num_components."
        )
    known = np.full(len(own), UNKNOWN)
    for text, name in zip(ids, names, strict=True):
        number, label = number_of[text], classes.index(name)
        if known[number] not in (UNKNOWN, label):
            raise InputError(f"{path} names {text!r} twice, {classes[known[number]]!r} and {name!r}: keep one.")
        known[number] = label
    return known, classes


def names_of(clusters: np.ndarray, known: np.ndarray, classes: list[str], num_components: int) -> dict[str, Any]:
    """What the clusters of a start are called after the examples that guided it.

    Args:
        clusters: integer array (N,).
        known: answer of `read`.
        classes: answer of `read`.
        num_components: K.

    Returns:
        Dict that JSON can hold: "examples" and "classes", how many there were; "names", a list of K texts, of a
        cluster without a known example as `cluster_names.filled` has it; "certainty", a list of K floats or None:
        the share of the known examples of a cluster that bear its name.
    """
    class_of = of_parts(clusters, known, num_components)
    certainty = [
        float(np.mean(known[(clusters == k) & (known >= 0)] == class_of[k])) if class_of[k] >= 0 else None
        for k in range(num_components)
    ]
    return {
        "examples": int(np.sum(known >= 0)),
        "classes": len(classes),
        "names": cluster_names.filled([None if number < 0 else classes[number] for number in class_of]),
        "certainty": certainty,
    }
