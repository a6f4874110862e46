"""Your own pictures, in a folder: read."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from tf_gmvae.data import pictures, sizes
from tf_gmvae.data.image_tree import Faults, as_text, each, image_tree, named
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

log = logging.getLogger(__name__)


def load_image_folder(
    folder: str | Path, image_size: ImageSize = None, channels: int | None = None, skip_broken: bool = False
) -> Dataset:
    """Loads the images of a folder, and of all folders within it.

    Sub-folders are classes, named and numbered in sorted order, and an image belongs to the class of the
    sub-folder that it lies in, at whatever depth. A sub-folder that is the only one and holds nothing but folders
    is passed through. Images that lie directly in the folder have no labels, nor then have those in sub-folders
    beside them.
    If there are both a `train` and a `test` sub-folder, these are the splits, each read in that way, and other
    sub-folders are left aside. Hidden files and files that are not images are ignored.

    Images are turned as their camera noted (EXIF). Transparency is dropped, without a background put under it.
    Grey images of 16 bits are scaled to 8. Of an animation the first picture is taken.

    Args:
        folder: The folder.
        image_size: Resizes all to squares of so many pixels a side, whatever their proportions. None keeps a size
            that all images have; "auto" keeps it if there is a preset for it and no side is longer than 96 pixels.
            What is not kept is resized to a size that is chosen: the multiple of 8 nearest to the median of the
            shorter sides, from 8 to 64. Default None.
        channels: 1 (grey) or 3 (RGB); None is 1 if the first image is grey, else 3. Default None.
        skip_broken: Whether to leave out images that cannot be read, which else are refused. Default False.

    Returns:
        A `Dataset` of `(N, H, W, C)` uint8 images, named after the folder; ids are their paths within it, as are
        those of `skipped`.

    Raises:
        InputError: If there is no image, or images lie beside `train` and `test`; or if one is broken, or has more
            pixels than Pillow takes for safe, and `skip_broken` is not set.
    """
    tree = image_tree(folder, image_size, channels, skip_broken)
    sizes.check(folder, tree.num_images * int(np.prod(tree.shape)))
    with pictures.no_bombs():
        splits = {name: _read(tree, name, part) for name, part in tree.parts.items()}
    skipped = tuple(as_text(path.relative_to(folder)) for path in tree.faults.all)
    if skipped:
        log.warning(
            "%s: %d of %d images cannot be read and are left out: %s.",
            folder, len(skipped), tree.num_images, named(skipped),
        )  # fmt: skip
    return Dataset(
        str(folder), splits["train"], splits.get("test"), tree.class_names, image_size=tree.side, skipped=skipped
    )


def read_images(
    paths: list[Path], labels: np.ndarray | None, folder: Path, shape: tuple[int, ...], side: int | None,
    faults: Faults,
) -> Split | None:  # fmt: skip
    """Reads images.

    Args:
        paths: Of the images.
        labels: `(N,)` int64 or None.
        folder: Where they lie; ids are their paths within it.
        shape: As of `ImageTree`.
        side: As of `ImageTree`.
        faults: To which those are added that cannot be read.

    Returns:
        `Split` of those that can, or None if there are none.

    Raises:
        InputError: As `load_image_folder`.
    """
    images = np.empty((len(paths), *shape), np.uint8)

    def read(index):
        read = pictures.pixels(paths[index], shape[2], side)
        if read.shape != shape:
            raise InputError(
                f"{paths[index]} has {read.shape[1]} x {read.shape[0]} pixels, but others have {shape[1]} x "
                f"{shape[0]}: give image_size to resize all images."
            )
        images[index] = read
        return True

    are_read = np.array([done is not None for done in each(read, paths, faults)])
    if not are_read.any():
        return None
    if not are_read.all():
        images, paths = images[are_read], [paths[index] for index in np.flatnonzero(are_read)]
        labels = None if labels is None else labels[are_read]
    return Split.from_arrays(images, labels, ids=[as_text(path.relative_to(folder)) for path in paths])


def _read(tree, name, part):
    paths, labels = part
    split = read_images(paths, labels, tree.folder, tree.shape, tree.side, tree.faults)
    if split is None:
        where = f"The {name} part of {tree.folder}" if len(tree.parts) > 1 else tree.folder
        raise InputError(f"{where} holds no image that can be read: check the files.")
    return split
