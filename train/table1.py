"""Table 1 of the paper: `python -m train.table1 --data_dir=path/to/mnist`.

Every trained cell is a run of `train.main` or `train.method` in a process and a folder of its own, so the command
can be stopped at any time and goes on where it was. It takes the settings of `train.main` too, which then hold for
every cell of the GMVAE; but K and M are those of --components and --samples.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from absl import flags

from tf_gmvae import figures, interrupts, terminal
from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError
from train import cli
from train.paper import run_figures, table1_report
from train.paper.cells import FLOORS, GMVAES, PAPERS_K, Cell, Row, base_settings, without_effect
from train.paper.floors import Floors
from train.run import counts, lock, settings
from train.run.choices import likelihood_of
from train.run.folder import RunFolder
from train.run.loading import check_in_memory, load_data

settings.Settings.define()
flags.DEFINE_list(
    "methods",
    ["gmvae", *FLOORS],
    f"What is compared, of {', '.join(PAPERS_K)}: the GMVAE from its start, and from random weights (the paper's "
    "objective alone), other methods, and what is had without a network.",
)
flags.DEFINE_list("components", None, "The K of the rows; by default, for each method those of the paper.")
flags.DEFINE_list("samples", "1,10", "The M of the rows of the GMVAE.")
flags.DEFINE_integer("method_epochs", None, "Of the other methods; by default as many as each has.", 1)
flags.DEFINE_integer("seeds", 3, "Runs of a row, from --seed on.", 1)
flags.DEFINE_integer("jobs", 1, "Runs at a time; the cores are shared among them.", 1)
flags.DEFINE_bool(
    "dry_run", False, "Begin no run: write the table of those that are there, and of the ways without a network."
)
flags.DEFINE_string("runs_dir", "runs/table1", "Where the runs and the table are kept.")
flags.DEFINE_bool("pixels", True, "Without it, no row of what is had without a network.")
flags.FLAGS.set_default("dataset", "mnist")
flags.FLAGS.set_default("minutes", 30.0)

# Seconds between lines on how many runs have ended, where there is no terminal.
EVERY = 600.0
# Seconds that a run gets to end by itself that another table has begun, which was killed.
PATIENCE = 60.0


def main() -> None:
    """Runs what is missing, and writes the table after every run."""
    chosen = flags.FLAGS
    # Two that train the same cells would each count the other's as failed; to look is free.
    with contextlib.nullcontext() if chosen.dry_run else lock.held(Path(chosen.runs_dir)):
        _make(chosen)


def _make(chosen):
    base = base_settings()
    rows = _rows()
    dataset = load_data(base, "auto")
    check_in_memory(dataset, "train.table1")
    table = _Table(rows, replace(base, image_size=dataset.image_size), dataset)
    if dataset.test is None or dataset.test.labels is None:
        raise InputError(
            f"{base.dataset} has no labelled test part, which Table 1 needs: choose another --dataset."
        )
    most, examples = max(row.num_components for row in rows), dataset.train.num_examples
    if most > examples:
        raise InputError(f"--components has {most}, but there are {examples} examples: give smaller numbers.")
    for sentence in without_effect(rows):
        terminal.say((sentence, "yellow"))
    os.makedirs(chosen.runs_dir, exist_ok=True)
    cells = [cell for found in table.cells.values() for cell in found]
    missing = [cell for cell in cells if not cell.is_finished]
    for cell in cells:
        counts.check(cell.folder, dataset, "or give another --runs_dir")
    terminal.say(
        f"{len(cells)} run{'s' * (len(cells) != 1)}, {len(missing)} to do; stop at will, the same command goes on."
    )
    missing = [] if chosen.dry_run else missing
    table.floors.compute([row for row in table.rows if row.method in FLOORS], table.seeds)
    table.write()
    pool, writing, ended = ThreadPoolExecutor(chosen.jobs), threading.Lock(), []
    running: set[subprocess.Popen[bytes]] = set()

    def run(cell):
        good = _run(cell, running)
        with writing:
            ended.append(cell)
            reached(len(ended))
            table.write()
        return good

    try:
        with terminal.step("Runs", len(missing), shown=bool(missing), every=EVERY) as reached:
            succeeded = list(pool.map(run, missing))
    except KeyboardInterrupt as stop:
        pool.shutdown(wait=False, cancel_futures=True)  # a stop does not begin what was still to come
        if isinstance(stop, interrupts.Terminated):  # of Ctrl-C a terminal tells them itself
            for process in list(running):
                process.terminate()
        raise type(stop)("Stopped; the same command goes on where it was.") from None
    finally:
        pool.shutdown(cancel_futures=True)
    text = table.write()
    if terminal.is_terminal():  # the table has more columns
        terminal.say("\n" + table.short(), f"\n\nAll scores: {table.path / 'table1.md'}")
    else:
        terminal.say("\n" + text)
    failed = [cell for cell, good in zip(missing, succeeded, strict=True) if not good]
    if failed:
        raise InputError(
            f"{len(failed)} of {len(cells)} runs failed, the first of them is {failed[0].folder.path}: read the "
            f"end of {failed[0].log}, and give the same command again."
        )


def _rows():
    chosen = flags.FLAGS
    asked = list(dict.fromkeys(chosen.methods))
    unknown = [method for method in asked if method not in PAPERS_K]
    if unknown or not asked:
        raise InputError(f"--methods must be some of {', '.join(PAPERS_K)}. Received: {','.join(asked)}")
    samples = _integers("samples")
    own = None if chosen.components is None else _integers("components")
    rows = []
    for method in asked:
        components = own or PAPERS_K[method]
        if method in GMVAES:
            rows += [Row(method, k, m) for k in components for m in samples]
        elif method not in FLOORS:
            rows += [Row(method, k) for k in components]
        elif chosen.pixels:
            # Of the K that stand above them.
            above = {k for other in asked if other not in FLOORS for k in own or PAPERS_K[other]} or set(
                components
            )
            rows += [Row(method, k) for k in sorted(above)]
    return rows


def _integers(flag):
    try:
        values = [int(text) for text in flags.FLAGS[flag].value or ()]
    except ValueError:
        values = []
    if not values or min(values) < 1:
        raise InputError(f"--{flag} must be integers >= 1, as in 10,16,30. Received: {flags.FLAGS[flag].value}")
    return list(dict.fromkeys(values))


class _Table:
    """The rows with their runs."""

    def __init__(self, rows: list[Row], base: settings.Settings, dataset: Dataset) -> None:
        chosen, data_shape = flags.FLAGS, dataset.train.data_shape
        self.rows, self.dataset, self.path = rows, dataset, RunFolder(chosen.runs_dir).path
        self.base = base
        self.seeds = range(base.seed, base.seed + chosen.seeds)
        trained = [row for row in rows if row.method not in FLOORS]
        self.cells = {
            row: [
                Cell.of(row, base, seed, chosen.runs_dir, data_shape, chosen.method_epochs) for seed in self.seeds
            ]
            for row in trained
        }

    @cached_property
    def floors(self) -> Floors:
        """Those that were computed before."""
        features = None if self.dataset.columns is None else likelihood_of(self.base, self.dataset).features()
        return Floors(
            flags.FLAGS.runs_dir, self.dataset, None if features is None else lambda rows: features(rows).numpy()
        )

    def entries(self) -> list[dict[str, Any]]:
        """The rows of the table."""
        found = []
        for row in self.rows:
            scored: list[Any] = [self.floors.metrics(row, seed) for seed in self.seeds if row.method in FLOORS] + [
                cell.metrics for cell in self.cells.get(row, ())
            ]
            found.append(table1_report.row(row, list(filter(None, scored)), self.base.dataset))
        return found

    def short(self) -> str:
        """What fits into a terminal."""
        return table1_report.short(self.entries())

    def write(self) -> str:
        """Writes table1.json, table1.md and figure4.png of the runs that have metrics; returns the Markdown."""
        entries, curves = self.entries(), {}
        for row in self.rows:
            # A history that is damaged is moved away, and the run goes without.
            mend = "move its history.csv away, and figure 4 goes without this run"
            found = [
                run_figures.curve(cell.folder, history, mend)
                for cell in self.cells.get(row, ())
                if cell.metrics and (history := cell.folder.read_history())
            ]
            if found:
                curves[table1_report.title(row)] = found
        text = table1_report.markdown(entries, "python -m train.table1 " + shlex.join(sys.argv[1:]))
        RunFolder.write_whole(self.path / "table1.json", json.dumps({"rows": entries}, indent=2) + "\n")
        RunFolder.write_whole(self.path / "table1.md", text)
        figures.accuracy_curves(curves, self.path / "figure4.png")
        return text


def _run(cell, running):
    """One run in a process of its own, which is among the running ones meanwhile; whether it succeeded."""
    name, began = cell.folder.path.name, time.perf_counter()
    threads = str(max(1, (os.cpu_count() or 1) // flags.FLAGS.jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    try:
        lock.wait_for(cell.folder.path, PATIENCE)
    except InputError as error:
        terminal.say((f"{name} is left out: {error}", "red"))
        return False
    terminal.say(f"{name} begins; its progress is in {cell.log}.")
    # What is there goes on with the same settings; a kill of this process ends the run, too.
    with open(cell.log, "a") as log, subprocess.Popen(
        [sys.executable, *cell.command], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
        env={**os.environ, **dict.fromkeys(names, threads), cli.TIED: "1"},
    ) as process:  # fmt: skip
        running.add(process)
        status = process.wait()
        running.remove(process)
    minutes = (time.perf_counter() - began) / 60
    if status in (cli.INTERRUPTED, cli.TERMINATED):
        terminal.say(f"{name} was stopped after {minutes:.1f} minutes.")
        return False
    if status:
        terminal.say((f"{name} failed after {minutes:.1f} minutes.", "red"))
        return False
    accuracy = 100 * cell.metrics["accuracy_table1"]
    terminal.say(f"{name}: {accuracy:.2f} % after {minutes:.1f} minutes.")
    return True


if __name__ == "__main__":
    cli.run(main)
