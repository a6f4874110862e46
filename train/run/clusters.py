"""The clusters of a run in files: every example's, and what they are called."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
from absl import flags

from tf_gmvae import disk, terminal
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError
from train.run import answers, cluster_names, samples
from train.run.answers import Answer
from train.run.run import Run
from train.run.saved import check_current


def define() -> None:
    """Defines the flags of commands that write them."""
    flags.DEFINE_bool("answers", True, "Write clusters.csv and clusters.parquet: the cluster of every example.")
    flags.DEFINE_string(
        "names",
        None,
        "Table that names the clusters, kept with the run: of columns cluster and name, or id and name of a few "
        "examples that are known. Clusters of one name are one in clusters.csv.",
    )


def check_names(names: str | None, answers_are_written: bool) -> None:
    """Refuses, before any work, names of clusters that cannot be read, or that nothing would be written with.

    Args:
        names: value of --names.
        answers_are_written: value of --answers.

    Raises:
        InputError: if it is so.
    """
    if names is None:
        return
    if not answers_are_written:
        raise InputError("--names is for the files that --noanswers leaves out: drop one of the two.")
    cluster_names.columns_of(names)


def check_names_of(names: str | None, dataset: Dataset, num_components: int) -> None:
    """Refuses, before any training, names of clusters or examples that there are not.

    Args:
        names: value of --names.
        dataset: `Dataset`; ids of shards are looked at when they are needed.
        num_components: K.

    Raises:
        InputError: if it is so.
    """
    if names is None:
        return
    splits = [split for split in (dataset.train, dataset.test) if split is not None]
    ids = None
    if not any(isinstance(split, ShardedSplit) for split in splits):
        times = Counter(text for split in splits for text in answers.ids(split).tolist())
        ids = [text for text, number in times.items() if number == 1]
    cluster_names.check(names, num_components, ids)


def write(run: Run, names: str | None = None, group_of: np.ndarray | None = None) -> None:
    """Writes what the model says of every example into the folder of the run, and says where it lies.

    Args:
        run: `Run`.
        names: path of a table of names; None keeps those that the run has. Default None.
        group_of: integer array (K,), the group of each cluster, where their tree is cut. Default None.

    Raises:
        InputError: if the names cannot be read; nothing has been written.
        Outdated: if the run has another model by now; nothing has been written.
        OSError: if a file cannot be written.
    """
    dataset = run.dataset
    splits = {"train": dataset.train, **({} if dataset.test is None else {"test": dataset.test})}
    answer = _asked(run)
    record = {**run.folder.read_clusters(), "outlier_below": answers.outlier_below(answer(run.fitted).elbo)}
    guide = run.folder.read_start().get("guide")
    if guide and "names" not in record:
        record.update({key: guide[key] for key in ("names", "certainty")})
    if names is not None:
        wanted = cluster_names.columns_of(names).get("id", [])
        by_id = _clusters_by_id(run, splits.values(), wanted)
        record.update(cluster_names.read(names, run.settings.num_components, by_id))
    parts = (
        answers.rows({name: part}, answer, record["outlier_below"], record.get("names"), group_of)
        for name, split in splits.items()
        for part in samples.chunks(split)
    )
    with disk.whole(run.folder.clusters_json) as partial:  # the names and what bears them, or neither
        partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        answers.write(_current(parts, run), run.folder.clusters_parquet, run.folder.clusters_csv)
    terminal.say(f"The cluster of every example: {run.folder.clusters_csv}, and .parquet")
    if names is not None:
        named = zip(record["names"], record["certainty"], strict=True)
        called = [f"{name!r}{'' if part is None else f' (of {part:.0%})'}" for name, part in named]
        terminal.say("The clusters are called " + ", ".join(f"{k} {text}" for k, text in enumerate(called)) + ".")


def _current(parts, run):
    """The parts, if the run has the same model still when the last of them is answered."""
    yield from parts
    check_current(run.folder, run.digest)


def _asked(run):
    """Function of a split in memory to what the model says of it; what the threshold is of is examined once."""
    known: dict[int, Answer] = {}

    def answer(split):
        if id(split) in known:
            return known[id(split)]
        found = Answer.of(run.model, run.batches(split))
        if split is run.fitted:
            known[id(split)] = found
        return found

    return answer


def _clusters_by_id(run, splits, wanted):
    """Of every example that is asked for and the only one of its id: numbers of rows begin anew in every part."""
    clusters: dict[str, int] = {}
    twice = set()
    for split in splits:
        for part in samples.chunks(split):
            ids = answers.ids(part)
            chosen = np.flatnonzero(np.isin(ids, wanted))
            if not len(chosen):
                continue
            found = run.model.log_posterior(run.batches(part.take(chosen))).argmax(axis=1)
            for name, cluster in zip(ids[chosen].tolist(), found.tolist(), strict=True):
                if name in clusters:
                    twice.add(name)
                clusters[name] = cluster
    return {name: cluster for name, cluster in clusters.items() if name not in twice}
