"""Names of clusters, as a person gives them in a small table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.data.table import read_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables.levels import composed
from train.run import kept


def read(path: str | Path, num_components: int, clusters_by_id: Mapping[str, int]) -> dict[str, Any]:
    """Names from a table of two columns: cluster and name, or id and name of a few examples.

    A cluster that is not in the table is called as `filled` says. Clusters of one name are one from then on.

    Args:
        path: table, such as a .csv file.
        num_components: K.
        clusters_by_id: dict of the cluster of every example of the run, by its id.

    Returns:
        Dict of "names", a list of K texts, and "certainty", a list of K floats or None: of a cluster that was
        named by its examples, the share of these that bear its name.

    Raises:
        InputError: if the table has other columns, or a cluster or id that there is not.
    """
    names = columns_of(path)
    texts, by_cluster = names["name"], "cluster" in names
    found = (
        _numbers(path, names["cluster"], num_components)
        if by_cluster
        else _of_ids(path, names["id"], clusters_by_id)
    )
    given: dict[int, Counter[str]] = {}
    for cluster, text in zip(found, texts, strict=True):
        given.setdefault(cluster, Counter())[text] += 1
    if by_cluster and any(len(counter) > 1 for counter in given.values()):
        cluster = next(cluster for cluster, counter in given.items() if len(counter) > 1)
        raise InputError(
            f"{path} names cluster {cluster} twice, {' and '.join(map(repr, given[cluster]))}: keep one."
        )
    chosen = [given[k].most_common(1)[0] if k in given else (None, 0) for k in range(num_components)]
    certainty = [
        None if by_cluster or k not in given else chosen[k][1] / given[k].total() for k in range(num_components)
    ]
    return {"names": filled([name for name, _ in chosen]), "certainty": certainty}


def filled(names: Sequence[str | None]) -> list[str]:
    """Names of all clusters: one without is called by its number, "7", or "cluster 7" if another has that name.

    Args:
        names: list of K texts, None where there is no name.

    Returns:
        List of K texts. Two that had no name, or one that had none and one that had, never share theirs.
    """
    given, called = set(names), []
    for number, name in enumerate(names):
        own = str(number)
        while name is None and own in given:
            own = f"cluster {own}"
        called.append(own if name is None else name)
    return called


def check(path: str | Path, num_components: int, ids: Collection[str] | None) -> None:
    """Refuses a table of names with a cluster or id that there is not: it can be known before any training.

    Args:
        path: as in `read`.
        num_components: K.
        ids: ids of the examples, without those that several bear; None where they are not at hand.

    Raises:
        InputError: if it is so.
    """
    names = columns_of(path)
    if "cluster" in names:
        _numbers(path, names["cluster"], num_components)
    elif ids is not None:
        _of_ids(path, names["id"], dict.fromkeys(ids, 0))


def columns_of(path: str | Path) -> dict[str, list[str]]:
    """The columns of a table of names.

    Args:
        path: table, such as a .csv file, or the .json file of the page to explore.

    Returns:
        Dict of lists of texts: "name", and "cluster", "id" or both.

    Raises:
        InputError: if it cannot be read, lacks them, or has a row without a name.
    """
    if Path(path).suffix.lower() == ".json":
        return _of_page(path)
    table = read_table(path, lambda name: name.lower().strip() in ("id", "name"))
    found = {
        name.lower().strip(): [_text(value) for value in np.asarray(values).tolist()]
        for name, values in table.items()
        if name.lower().strip() in ("name", "cluster", "id")
    }
    if "name" not in found or len(found) == 1:
        raise InputError(
            f"{path} must have a column 'name' beside a column 'cluster', or beside a column 'id' for examples "
            f"that are known. Received: {', '.join(table)}."
        )
    if "" in found["name"]:
        raise InputError(f"{path}: row {found['name'].index('')} has no name: fill it, or remove the row.")
    return found


def _of_page(path):
    named = [each for each in kept.read(path)["names"] if each["name"].strip()]
    if not named:
        raise InputError(f"{path} names no cluster: name one on the page, and take the file away again.")
    return {"cluster": [str(each["cluster"]) for each in named], "name": [_text(each["name"]) for each in named]}


def _numbers(path, texts, num_components):
    numbers = []
    for row, text in enumerate(texts):
        if not (text.isdecimal() and int(text) < num_components):
            raise InputError(
                f"{path}: row {row} has the cluster {text!r}, but clusters are 0 to {num_components - 1}."
            )
        numbers.append(int(text))
    return numbers


def _of_ids(path, ids, clusters_by_id):
    ids = as_known(ids, clusters_by_id)
    unknown = [text for text in ids if text not in clusters_by_id]
    if unknown:
        raise InputError(
            f"{path} has the id {unknown[0]!r}, which is not that of one example of the run: take ids of its "
            "clusters.csv."
        )
    return [clusters_by_id[text] for text in ids]


def as_known(ids: Sequence[str], known: Collection[str]) -> list[str]:
    """Ids as those of the examples are written: names of files on macOS have an umlaut in two characters.

    Args:
        ids: list of texts.
        known: the ids of the examples.

    Returns:
        List of as many; one that no example has is as it was.
    """
    written = {composed(text): text for text in known}
    return [text if text in known else written.get(composed(text), text) for text in ids]


def _text(value):
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
