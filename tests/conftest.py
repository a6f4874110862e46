"""What all tests share: small data, a small model, and commands run as users run them."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tf_gmvae

ROOT = Path(__file__).parent.parent


@pytest.fixture
def root():
    return ROOT


@pytest.fixture(scope="session")
def digits():
    """400 real 8x8 digits, (400, 8, 8, 1) float32 in [0, 1], and their labels."""
    split = tf_gmvae.data.load("digits").train
    return split.examples[:400], split.labels[:400]


@pytest.fixture
def table():
    """A table of 200 rows and 6 real-valued columns in three clusters."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (3, 6))
    return (centres[rng.integers(3, size=200)] + rng.normal(0, 1, (200, 6))).astype("float32")


@pytest.fixture(scope="session")
def make_table_model():
    """Function that makes a small compiled GMVAE for `table`, without batch normalisation."""

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
        model.compile(keras.optimizers.Adam(1e-3))
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
