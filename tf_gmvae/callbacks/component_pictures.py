"""A Keras callback that shows components and latents in TensorBoard."""

import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import drawing
from tf_gmvae.data.pipeline import to_batches
from tf_gmvae.data.split import Split
from tf_gmvae.figures.image_sheets import Pixels, sheet

SAMPLES = 8
# Pixels of an image in the projector, at most: browsers take a sheet of a few thousand.
SPRITE = 64


class ComponentPictures(keras.callbacks.Callback):
    """Draws samples of every component at w = 0 every few epochs, and at the end fills the embedding projector.

    The projector shows the means of q(x | y) and q(w | y) of some examples, with their component, their label and,
    of images, the image itself. Of data that are not images there are no samples to look at.

    Args:
        split: `data.Split` of the examples that the projector shows, a few thousand at most.
        log_dir: path, folder of TensorBoard.
        every: epochs from one drawing to the next. Default 5.
        class_names: tuple of the names of label 0, 1, ..., or None.
        seed: integer, seed of the samples. Default 0.
        binarize: as in `data.to_batches`. Default "none".
    """

    def __init__(
        self,
        split: Split,
        log_dir: str | Path,
        every: int = 5,
        class_names: tuple[str, ...] | None = None,
        seed: int = 0,
        binarize: str = "none",
    ) -> None:
        super().__init__()
        self.split, self.log_dir, self.every = split, Path(log_dir), every
        self.class_names, self.seed, self.binarize = class_names, seed, binarize
        self.of_images = split.examples.ndim == 4

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Draws, of the first epoch and of every `every`th."""
        if not self.of_images or (epoch and (epoch + 1) % self.every):
            return
        samples = drawing.samples(self.model, SAMPLES, self.seed)
        to_pixels = Pixels(self.split.examples, self.model.likelihood.uint8_scale)
        drawn = sheet(to_pixels(samples.reshape(-1, *self.split.data_shape)), SAMPLES)
        with tf.summary.create_file_writer(str(self.log_dir)).as_default(step=epoch):
            tf.summary.image(
                "components", drawn.reshape(1, *drawn.shape[:2], -1), description="A row a component, at w = 0"
            )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Fills the projector."""
        from tensorboard.plugins import projector

        self.log_dir.mkdir(parents=True, exist_ok=True)
        batches = to_batches(self.split, 256, binarize=self.binarize)
        clusters = self.model.predict(batches, verbose=0).argmax(axis=1)
        self._write_metadata(clusters)
        sprite_size = self._write_sprites() if self.of_images else None
        config = projector.ProjectorConfig()
        for name, means in self.model.embed(batches)._asdict().items():
            np.savetxt(self.log_dir / f"{name}.tsv", means, fmt="%.5g", delimiter="\t")
            embedding = config.embeddings.add()
            embedding.tensor_name = f"mean of {name}"
            embedding.tensor_path, embedding.metadata_path = f"{name}.tsv", "metadata.tsv"
            if sprite_size:
                embedding.sprite.image_path = "sprites.png"
                embedding.sprite.single_image_dim.extend(sprite_size)
        projector.visualize_embeddings(str(self.log_dir), config)

    def _write_metadata(self, clusters):
        columns = {"component": clusters}
        if self.split.labels is not None:
            named = self.class_names or range(int(self.split.labels.max()) + 1)
            # A name has one line and no tab, however it came.
            columns["label"] = [" ".join(str(named[label]).split()) for label in self.split.labels]
            rows = ["\t".join(columns), *("\t".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        else:
            rows = [*map(str, clusters)]  # a single column goes without a header
        (self.log_dir / "metadata.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def _write_sprites(self):
        """Width and height of an image in the sheet."""
        from PIL import Image

        pixels = Pixels(self.split.examples)(self.split.examples)
        step = math.ceil(max(pixels.shape[1:3]) / SPRITE)
        pixels = pixels[:, ::step, ::step]
        Image.fromarray(sheet(pixels, math.ceil(math.sqrt(len(pixels))), gap=0)).save(self.log_dir / "sprites.png")
        return pixels.shape[2], pixels.shape[1]
