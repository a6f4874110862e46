"""Table 1 of the paper: `python -m train.table1 --data_dir=path/to/mnist`.

Every cell is a run of `train.main` in a process and a folder of its own, so the command can be stopped at any time
and goes on where it was. It takes the settings of `train.main` too, which then hold for every cell.
"""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from absl import flags

from tf_gmvae import evaluation, figures
from tf_gmvae.errors import InputError
from tf_gmvae.evaluation import baselines
from train import cli
from train.paper import table1_report
from train.run import names, settings
from train.run.folder import RunFolder
from train.run.run import load_data

settings.define()
flags.DEFINE_list("components", "10,16,30", "The K of the rows.")
flags.DEFINE_list("samples", "1,10", "The M of the rows.")
flags.DEFINE_integer("seeds", 3, "Runs of a row, from --seed on.", 1)
flags.DEFINE_integer("jobs", 1, "Runs at a time; the cores are shared among them.", 1)
flags.DEFINE_bool("dry_run", False, "Begin no run: write the table of those that are there.")
flags.DEFINE_string("runs_dir", "runs/table1", "Where the runs and the table are kept.")
flags.DEFINE_bool("pixels", True, "Also k-means, a Gaussian mixture, and one on UMAP's map, of the pixels.")
FLOORS = {
    "k-means": baselines.kmeans,
    "Gaussian mixture": baselines.gaussian_mixture,
    "UMAP + Gaussian mixture": baselines.umap_mixture,
}
flags.FLAGS.set_default("dataset", "mnist")
flags.FLAGS.set_default("epochs", 10)
flags.FLAGS.set_default("minutes", 30.0)


def main() -> None:
    """Runs what is missing, and writes the table after every run."""
    chosen = flags.FLAGS
    base = settings.Settings.from_flags(chosen)
    rows = [(k, m) for k in _integers("components") for m in _integers("samples")]
    cells = [
        replace(base, num_components=k, num_samples=m, seed=base.seed + index)
        for k, m in rows
        for index in range(chosen.seeds)
    ]
    for cell in cells:
        _folder(cell)  # says what is wrong with its name
    dataset = load_data(base)
    if dataset.test is None or dataset.test.labels is None:
        raise InputError(
            f"{base.dataset} has no labelled test part, which Table 1 needs: choose another --dataset."
        )
    os.makedirs(chosen.runs_dir, exist_ok=True)
    missing = [cell for cell in cells if not _finished(cell)]
    print(f"{len(cells)} runs, {len(missing)} to do; stop at will, the same command goes on.", flush=True)
    missing = [] if chosen.dry_run else missing
    floors = _floors(dataset, _integers("components"), base.seed) if chosen.pixels else []
    _write(rows, cells, floors, base.dataset)
    pool, writing = ThreadPoolExecutor(chosen.jobs), threading.Lock()

    def run(cell):
        succeeded = _run(cell)
        with writing:
            _write(rows, cells, floors, base.dataset)
        return succeeded

    try:
        succeeded = list(pool.map(run, missing))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped; the same command goes on where it was.") from None
    finally:
        pool.shutdown(cancel_futures=True)  # a stop does not begin what was still to come
    print("\n" + _write(rows, cells, floors, base.dataset))
    failed = [cell for cell, good in zip(missing, succeeded, strict=True) if not good]
    if failed:
        raise InputError(
            f"{len(failed)} of {len(cells)} runs failed, the first of them is {_folder(failed[0]).path}: read the "
            f"end of {_log(failed[0])}, and give the same command again."
        )


def _integers(flag):
    try:
        values = [int(text) for text in flags.FLAGS[flag].value or ()]
    except ValueError:
        values = []
    if not values or min(values) < 1:
        raise InputError(f"--{flag} must be integers >= 1, as in 10,16,30. Received: {flags.FLAGS[flag].value}")
    return values


def _folder(cell):
    name = table1_report.run_name(cell.num_components, cell.num_samples, cell.seed)
    name = names.checked(name, "K, M and --seed together", "give smaller numbers")
    return RunFolder(Path(flags.FLAGS.runs_dir) / name)


def _log(cell):
    return f"{_folder(cell).path}.log"


def _metrics(cell):
    return _folder(cell).read_metrics()


def _finished(cell):
    """Whether the cell's run has used up its epochs or minutes; one under other settings is an error."""
    folder, metrics = _folder(cell), _metrics(cell)
    if metrics is None:
        return False
    stored = folder.read_settings()
    cell.resolved(stored.preset, stored.likelihood).check_same(stored)
    minutes = (metrics["start_seconds"] + metrics["train_seconds"]) / 60
    return metrics["epochs"] >= cell.epochs or (cell.minutes is not None and minutes >= cell.minutes)


def _run(cell):
    """One run in a process of its own; whether it succeeded."""
    folder, began = _folder(cell), time.perf_counter()
    # What is there goes on with the same settings.
    command = [
        sys.executable, "-m", "train.main", *cell.as_flags().split("\n")[:-1], f"--name={folder.path.name}",
        f"--runs_dir={folder.path.parent}", "--resume", "--noreport", "--noexport",
    ]  # fmt: skip
    threads = str(max(1, (os.cpu_count() or 1) // flags.FLAGS.jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    print(f"{folder.path.name} begins; its progress is in {_log(cell)}.", flush=True)
    with open(_log(cell), "a") as log:
        status = subprocess.run(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **dict.fromkeys(names, threads)},
            check=False,
        ).returncode  # fmt: skip
    minutes = (time.perf_counter() - began) / 60
    if status:
        print(f"{folder.path.name} failed after {minutes:.1f} minutes.", flush=True)
        return False
    accuracy = 100 * _metrics(cell)["accuracy_table1"]
    print(f"{folder.path.name}: {accuracy:.2f} % after {minutes:.1f} minutes.", flush=True)
    return True


def _floors(dataset, components, seed):
    """Scores of what a user could do instead, on the pixels; computed once for a K, a seed and a protocol."""
    path = RunFolder(flags.FLAGS.runs_dir).path / "pixels.json"
    found = RunFolder.read_json(path, "remove it, and it is computed anew") or []
    found = [floor for floor in found if floor.get("table1_protocol") == evaluation.TABLE1_PROTOCOL]
    for k in dict.fromkeys(components):
        for method, cluster in FLOORS.items():
            # Those of earlier versions do not say their seed, and are computed anew.
            same = {"method": method, "num_components": k, "seed": seed}
            if any(same.items() <= floor.items() for floor in found):
                continue
            print(f"{method} on the pixels, K = {k} ...", flush=True)
            posterior = cluster(dataset.train.examples, dataset.test.examples, k, seed)
            found.append(
                {
                    **same,
                    **evaluation.scores(posterior, dataset.test.labels),
                    "table1_protocol": evaluation.TABLE1_PROTOCOL,
                }
            )
            RunFolder.write_whole(path, json.dumps(found, indent=2) + "\n")
    return [floor for floor in found if floor["num_components"] in components and floor.get("seed") == seed]


def _write(rows, cells, floors, dataset):
    """Writes table1.json, table1.md and figure4.png of the runs that have metrics; returns the Markdown."""
    out, entries, curves = RunFolder(flags.FLAGS.runs_dir).path, [], {}
    for k, m in rows:
        mine = [cell for cell in cells if (cell.num_components, cell.num_samples) == (k, m)]
        scored = {cell: metrics for cell in mine if (metrics := _metrics(cell))}
        entries.append(table1_report.row(k, m, list(scored.values()), dataset))
        histories = [_folder(cell).read_history() for cell in scored]
        if histories:
            curves[f"K = {k}, M = {m}"] = [
                [epoch["test_accuracy_table1"] for epoch in history] for history in histories
            ]
    command = "python -m train.table1 " + " ".join(sys.argv[1:])
    text = table1_report.markdown(entries, floors, command)
    RunFolder.write_whole(out / "table1.json", json.dumps({"rows": entries, "pixels": floors}, indent=2) + "\n")
    RunFolder.write_whole(out / "table1.md", text)
    figures.accuracy_curves(curves, out / "figure4.png")
    return text


if __name__ == "__main__":
    cli.run(main)
