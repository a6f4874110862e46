"""What all tests share: small data, a small model, and commands run as users run them."""

import gc
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support import forks

ROOT = Path(__file__).parent.parent
# Before TensorFlow and Numba are loaded, here and in all processes of the tests: two workers share the machine.
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Samples by which a start chooses a method for rows, where a test does not ask for as many as it has.
FEW_SAMPLES = 2

# Files that take longest, for two workers to share: those with the most tests would go first, and these last. The
# first begins with UMAP, and the second has no need of it: Numba compiles it once for both.
LONGEST = (
    "test_initialization.py", "test_model_platforms.py", "test_commands.py", "test_estimator.py",
    "test_promises.py", "test_documents.py", "test_package.py", "test_export.py", "test_forms_of_data.py",
    "test_workers.py", "test_from_shards.py", "test_damage.py", "test_answers.py", "test_methods.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    # In the processes that run tests alone: who only hands them out needs no TensorFlow.
    from tf_gmvae.start import agreement

    agreement.SAMPLES = FEW_SAMPLES
    # What was imported stays: looking through it for garbage takes a seventh of the time of tracing a function.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # Keras draws the seeds of initial weights that have none from here: a test has the same networks each time,
    # also where they are drawn without a seed on purpose, or by a fixture.
    random.seed(item.nodeid)


def pytest_sessionfinish():
    # What the tests left is looked through five times at the end, and then thrown away anyway.
    gc.freeze()


@pytest.fixture
def root():
    return ROOT


@pytest.fixture(scope="session")
def digits():
    """400 real 8x8 digits, (400, 8, 8, 1) float32 in [0, 1], and their labels."""
    from tf_gmvae import data

    split = data.load("digits").train
    return split.examples[:400], split.labels[:400]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run on the digits, see `support.finished`."""
    from support.finished import make

    folder = tmp_path_factory.getbasetemp()
    return make((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "finished")


@pytest.fixture(scope="session")
def browser():
    """Chromium."""
    from support import chromium

    yield from chromium.started()


@pytest.fixture(scope="session")
def table():
    """A table of 200 rows and 6 real-valued columns in three clusters, which no test writes into."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (3, 6))
    made = (centres[rng.integers(3, size=200)] + rng.normal(0, 1, (200, 6))).astype("float32")
    made.flags.writeable = False
    return made


@pytest.fixture(scope="session")
def make_table_model():
    """Function that makes a small compiled GMVAE for `table`, without batch normalisation."""
    import keras

    import tf_gmvae
    from tf_gmvae.optimizer import FusedAdam

    def make(**overrides):
        arguments = {
            "latent_dim": 3,
            "style_dim": 2,
            "num_components": 4,
            "num_samples": 2,
            "likelihood": "gaussian",
            "prior_units": (16,),
            "seed": 0,
            **overrides,
        }

        def dense(units, seed, activation=None):
            kernel = keras.initializers.GlorotUniform(seed)
            return keras.layers.Dense(units, activation=activation, kernel_initializer=kernel)

        cls = arguments.pop("cls", tf_gmvae.GMVAE)
        encoder = keras.Sequential([keras.Input((6,)), dense(16, 1, "relu")])
        decoder = keras.Sequential([keras.Input((arguments["latent_dim"],)), dense(16, 2, "relu"), dense(12, 3)])
        model = cls(encoder, decoder, **arguments)
        model.compile(FusedAdam(1e-3))
        return model

    return make


def run_python(*arguments, cwd=ROOT, **environment):
    """Runs Python in a process of its own, as a user would from the folder `cwd`."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def run_warm(*arguments, cwd=ROOT, **environment):
    """As `run_python`, for "-m" and "-c", in a process that had TensorFlow and this package imported before."""
    return forks.run(arguments, cwd, environment, ROOT)


def start_warm(*arguments, out, errors=None, read=os.devnull, **environment):
    """As `run_warm`, but does not wait: `forks.Fork`, which writes to and reads from these files."""
    return forks.Fork(arguments, ROOT, out, errors, read, environment=environment)
