"""Writes the golden files of the version that runs it: `python tests/golden/write.py`.

Once a version is out its files are never written again: they stand for what users have on their disks. They
go into a folder with the version's name, which must not be there yet:

- `images.tar.xz`, `table.tar.xz`: small models, `.keras` files with their optimizers after two steps;
- `served.tar.xz`: the export of the model of images;
- `run.tar.xz`: the folder of a run of `train.main` that was stopped after its start, and its data;
- `answers.npz`: questions, and what the models answered.
"""

import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tf_gmvae
from layers import FusedBatchNormalization, SpectralConv2D, SpectralConv2DTranspose

HERE = Path(__file__).parent


def image_model():
    """Every layer that this package registers, for images of 6x6 pixels."""
    encoder = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            SpectralConv2D(4, 3, use_bias=False, kernel_initializer=keras.initializers.GlorotUniform(1)),
            FusedBatchNormalization(momentum=0.9, epsilon=1e-5),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(2)),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(
                4 * 4 * 2, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(3)
            ),
            keras.layers.Reshape((4, 4, 2)),
            SpectralConv2DTranspose(1, 3, kernel_initializer=keras.initializers.GlorotUniform(4)),
        ]
    )
    return tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=4, style_dim=3, num_components=3, num_samples=2, prior_units=(6,), seed=0
    )


def table_model():
    """Own dense networks for six columns."""
    encoder = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "relu", kernel_initializer=keras.initializers.GlorotUniform(1))]
    )
    decoder = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(12, kernel_initializer=keras.initializers.GlorotUniform(2))]
    )
    return tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=3, style_dim=2, num_components=4, min_information=0.5, likelihood="gaussian",
        prior_units=(5,), seed=0,
    )  # fmt: skip


def answers(model, examples, prefix):
    """What a model says of examples, by the names of the answers."""
    scores = model.score(examples)
    embedding = model.embed(examples)
    return {
        f"{prefix}_examples": examples,
        f"{prefix}_posterior": model.predict(examples, verbose=0),
        f"{prefix}_x": embedding.x,
        f"{prefix}_w": embedding.w,
        f"{prefix}_reconstruction": model.reconstruct(examples),
        f"{prefix}_elbo": scores.elbo,
        f"{prefix}_log_likelihood": model.log_likelihood(examples, num_importance_samples=5),
        f"{prefix}_generated": model.generate(5, seed=0),
    }


def served_answers(folder, examples):
    """What an export answers, by signature and output."""
    served = tf.saved_model.load(str(folder))
    found = {}
    for name in ("cluster", "embed", "reconstruct", "score"):
        for key, value in served.signatures[name](examples=tf.constant(examples)).items():
            found[f"served_{name}_{key}"] = value.numpy()
    drawn = served.signatures["generate"](
        component=tf.constant([-1, 2], tf.int64), seed=tf.range(2, dtype=tf.int64)
    )
    return {**found, **{f"served_generate_{key}": value.numpy() for key, value in drawn.items()}}


def pack(source, path):
    """Packs a file or a folder, the same bytes for the same content."""

    def plain(info):
        info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
        return info

    with tarfile.open(path, "w:xz", preset=9) as archive:
        archive.add(source, source.name, filter=plain)


def write_run(scratch, folder):
    """A run killed after its start: settings, model and record of the start lie in its folder."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    np.savez(
        scratch / "blobs.npz", x=(6 * np.eye(3)[labels] + rng.normal(size=(120, 3))).astype("float32"), y=labels
    )
    command = [
        sys.executable, "-c",
        "import os, sys; from train import cli, main; from train.run import job\n"
        "job.fit = lambda *arguments: os._exit(0)\n"
        "cli.run(main.main)",
        "--dataset=blobs.npz", "--num_components=3", "--epochs=2", "--batch_size=60", "--pretraining_epochs=1",
        "--guided_epochs=1", "--noexport", "--name=blobs", "--seed=0",
    ]  # fmt: skip
    root = HERE.parent.parent
    subprocess.run(command, cwd=scratch, env={**os.environ, "PYTHONPATH": str(root)}, check=True)
    pack(scratch / "runs", folder / "run.tar.xz")
    (scratch / "blobs.npz").rename(folder / "blobs.npz")


def main():
    """Writes all files."""
    folder = HERE / tf_gmvae.__version__
    folder.mkdir()
    rng = np.random.default_rng(0)
    images = rng.random((8, 6, 6, 1)).astype("float32")
    table = rng.normal(size=(8, 6)).astype("float32")
    found = {}
    for model, examples, prefix in ((image_model(), images, "images"), (table_model(), table, "table")):
        model.compile(keras.optimizers.Adam(1e-2) if prefix == "table" else None)
        model.fit(examples, batch_size=4, epochs=1, shuffle=False, verbose=0)
        found.update(answers(model, examples, prefix))
        with tempfile.TemporaryDirectory() as scratch:
            saved = Path(scratch) / f"{prefix}.keras"
            model.save(saved)
            pack(saved, folder / f"{prefix}.tar.xz")
        if prefix == "images":
            with tempfile.TemporaryDirectory() as scratch:
                tf_gmvae.export(model, Path(scratch) / "served")
                found.update(served_answers(Path(scratch) / "served" / "1", examples))
                (Path(scratch) / "served" / "latest").unlink()
                pack(Path(scratch) / "served", folder / "served.tar.xz")
        # One more step, for a model that goes on with its training.
        model.fit(examples, batch_size=8, epochs=1, shuffle=False, verbose=0)
        found.update({f"{prefix}_trained_posterior": model.predict(examples, verbose=0)})
    np.savez_compressed(folder / "answers.npz", **found)
    with tempfile.TemporaryDirectory() as scratch:
        write_run(Path(scratch), folder)
    record = {
        "tf-gmvae": tf_gmvae.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    (folder / "written_by.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
