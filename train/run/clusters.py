"""The clusters of a run in files: every example's, and what they are called."""

from __future__ import annotations

from absl import flags

from tf_gmvae import terminal
from tf_gmvae.model.inference import Examination
from train.run import answers, cluster_names
from train.run.answers import Answer
from train.run.run import Run


def define() -> None:
    """Defines the flags of commands that write them."""
    flags.DEFINE_bool("answers", True, "Write clusters.csv and clusters.parquet: the cluster of every example.")
    flags.DEFINE_string(
        "names",
        None,
        "Table that names the clusters, kept with the run: of columns cluster and name, or id and name of a few "
        "examples that are known. Clusters of one name are one in clusters.csv.",
    )


def write(run: Run, examination: Examination, names: str | None = None) -> None:
    """Writes what the model says of every example into the folder of the run, and says where it lies.

    Args:
        run: `Run`.
        examination: answer of `scoring.examine`.
        names: path of a table of names; None keeps those that the run has. Default None.

    Raises:
        InputError: if the names cannot be read; nothing has been written.
    """
    splits = {"train": run.dataset.train, **({} if run.dataset.test is None else {"test": run.dataset.test})}
    scored = Answer(examination.log_posterior, examination.terms.elbo)
    found = {
        part: scored if split is run.scored else _answer(run.model.examine(run.batches(split)))
        for part, split in splits.items()
    }
    record = {**run.folder.read_clusters(), "outlier_below": answers.outlier_below(found["train"].elbo)}
    guide = run.folder.read_start().get("guide")
    if guide and "names" not in record:
        record.update({key: guide[key] for key in ("names", "certainty")})
    if names is not None:
        record.update(cluster_names.read(names, run.settings.num_components, _clusters_by_id(splits, found)))
    parts = {id(split): found[part] for part, split in splits.items()}
    columns = answers.rows(splits, lambda split: parts[id(split)], record["outlier_below"], record.get("names"))
    run.folder.write_clusters(record)
    for path in (run.folder.clusters_parquet, run.folder.clusters_csv):
        answers.write(columns, path)
    terminal.say(f"The cluster of every example: {run.folder.clusters_csv}, and .parquet")


def _answer(examination):
    return Answer(examination.log_posterior, examination.terms.elbo)


def _clusters_by_id(splits, found):
    """Of every example that is the only one of its id: numbers of rows begin anew in every part."""
    clusters: dict[str, int] = {}
    twice = set()
    for part, split in splits.items():
        own = found[part].log_posterior.argmax(axis=1).tolist()
        for name, cluster in zip(answers.ids(split).tolist(), own, strict=True):
            if name in clusters:
                twice.add(name)
            clusters[name] = cluster
    return {name: cluster for name, cluster in clusters.items() if name not in twice}
