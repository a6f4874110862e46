"""What a run holds on to, and how its learning rate falls, also where it goes on for longer."""

import math

import keras
import numpy as np
import pytest
from conftest import run_warm
from support.commands import run_all

from train.run.folder import RunFolder
from train.run.saved import load_model

# `python -m train.main`, which tells what its start returned.
TOLD = """
import runpy, sys
import numpy as np
import train
from tf_gmvae import GMVAE
from tf_gmvae.start import initialization

initialization.LEAST_STEPS = 20
whole = GMVAE.initialize

def initialize(self, *arguments, **options):
    start = whole(self, *arguments, **options, max_examples=150)
    np.savez(told, labels=start.labels, indices=start.indices, posterior=self.predict(arguments[0], verbose=0))
    return start

GMVAE.initialize = initialize
told = sys.argv.pop(1)
sys.argv[0] = "train.main"
runpy.run_module("train.main", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, table):
    """Where the run lies, and `told.npz` beside it."""
    folder = tmp_path_factory.mktemp("held")
    np.savez(folder / "table.npz", x=table)
    flags = [
        f"--dataset={folder / 'table.npz'}", "--num_components=3", f"--runs_dir={folder}", "--name=run",
        "--guided_epochs=0", "--hold_to=labels", "--falling_rate", "--learning_rate=0.01", "--noreport",
        "--noexport", "--nofloors", "--noanswers",
    ]  # fmt: skip
    process = run_warm("-c", TOLD, folder / "told.npz", *flags, "--epochs=2")
    assert process.returncode == 0, process.stderr
    return folder, flags


def test_labels_stand_where_the_start_has_found_some(folder):
    held, told = np.load(folder[0] / "run" / "start_assignments.npy"), np.load(folder[0] / "told.npz")
    assert len(told["indices"]) == 150 and np.abs(told["labels"] - told["posterior"][told["indices"]]).max() > 0.1
    expected = told["posterior"].copy()
    expected[told["indices"]] = told["labels"]
    np.testing.assert_allclose(held, expected, atol=1e-6)


def rates_of(folder):
    """Steps that its run has taken, and the rate at some."""
    optimizer = load_model(RunFolder(folder / "run")).optimizer
    assert isinstance(optimizer._learning_rate, keras.optimizers.schedules.CosineDecay)
    return int(optimizer.iterations), [float(optimizer._learning_rate(step)) for step in (0, 2, 4, 8)]


FIRST, QUARTER, HALF, LAST = (
    0.01 * (0.02 + 0.98 * (1 + math.cos(math.pi * part)) / 2) for part in (0, 0.25, 0.5, 1)
)


def test_the_rate_falls_over_all_epochs(folder):
    assert rates_of(folder[0]) == (4, pytest.approx([FIRST, HALF, LAST, LAST], rel=1e-4))


@pytest.mark.slow
def test_over_more_epochs_the_rate_falls_anew(folder):
    (more,) = run_all("train.main", [[*folder[1], "--epochs=4", "--resume"]])
    assert more.returncode == 0, more.stderr
    assert rates_of(folder[0]) == (8, pytest.approx([FIRST, QUARTER, HALF, LAST], rel=1e-4))
