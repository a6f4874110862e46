"""Your own pictures, in a folder."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
_GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
_BLOCK = 1024
_SECONDS_BETWEEN_REPORTS = 5.0

log = logging.getLogger(__name__)


def load_image_folder(folder: str | Path, image_size: int | None = None, channels: int | None = None) -> Dataset:
    """Loads the images of a folder.

    Sub-folders are classes, named and numbered in sorted order; images directly in the folder have no labels.
    If there are both a `train` and a `test` sub-folder, these are the splits, each read in that way, and other
    sub-folders are left aside. Hidden files and files that are not images are ignored.

    Images are turned as their camera noted (EXIF). Transparency is dropped, without a background put under it.
    Grey images of 16 bits are scaled to 8. Of an animation the first picture is taken.

    Args:
        folder: The folder.
        image_size: Resizes all to squares of so many pixels a side, whatever their proportions; None requires
            all images to have the size of the first.
        channels: 1 (grey) or 3 (RGB); None is 1 if the first image is grey, else 3.

    Returns:
        A `Dataset` of `(N, H, W, C)` uint8 images, named after the folder; ids are their paths within it.

    Raises:
        InputError: If there is no image, images lie both beside and in sub-folders, or an image is broken or
            of another size.
    """
    folder = Path(folder)
    has_splits = (folder / "train").is_dir() and (folder / "test").is_dir()
    if has_splits and _images_in(folder):
        raise _both_levels(folder)
    trees = [_class_images(folder / part) for part in ("train", "test")] if has_splits else [_class_images(folder)]
    class_names = tuple(sorted({name for tree in trees for name in tree if name is not None})) or None
    first = next(iter(trees[0].values()))[0]
    shape = _target_shape(first, image_size, channels)
    splits = [_read_tree(folder, tree, class_names, shape, image_size, first) for tree in trees]
    return Dataset(str(folder), splits[0], splits[1] if has_splits else None, class_names)


def _images_in(folder):
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _class_images(folder):
    """Returns the images of each class of the folder as `{class name: paths}`, or `{None: paths}`."""
    try:
        top = _images_in(folder)
        sub_folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        classes = {path.name: images for path in sub_folders if (images := _images_in(path))}
        nested = [
            inner for path in sub_folders for inner in path.iterdir() if inner.is_dir() and _images_in(inner)
        ]
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from error
    if top and classes:
        raise _both_levels(folder)
    if nested:
        raise InputError(
            f"{nested[0]} holds images too deep in {folder}: put them directly into one sub-folder for each "
            "class, with train/ and test/ above these only if both exist."
        )
    if not top and not classes:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in _SUFFIXES))
        raise InputError(f"{folder} holds no images ({suffixes}), nor do its sub-folders: check the path.")
    return classes or {None: top}


def _both_levels(folder):
    return InputError(
        f"{folder} has images both directly in it and in sub-folders: move them all into sub-folders (one for "
        "each class), or none."
    )


def _target_shape(path, image_size, channels):
    from PIL import Image

    try:
        with Image.open(path) as image:
            grey = image.mode in _GREY_MODES
            width, height = _upright(image).size
    except Exception as error:
        raise _broken([path]) from error
    if image_size is not None:
        height = width = image_size
    return height, width, channels or (1 if grey else 3)


def _read_tree(folder, tree, class_names, shape, image_size, first):
    paths = [path for images in tree.values() for path in images]
    images = np.empty((len(paths), *shape), np.uint8)
    broken = []

    def read(index):
        try:
            pixels = _decode(paths[index], shape, image_size)
        except Exception:  # Pillow's decoders raise whatever a damaged file leads them to
            broken.append(paths[index])
            return
        if pixels.shape != shape:
            raise InputError(
                f"{paths[index]} has {pixels.shape[1]} x {pixels.shape[0]} pixels, but {first} has {shape[1]} x "
                f"{shape[0]}: give image_size to resize all images."
            )
        images[index] = pixels

    reported = time.monotonic()
    with ThreadPoolExecutor() as pool:
        # Block by block, so that a bad image ends the reading soon, not after a million others.
        for start in range(0, len(paths), _BLOCK):
            stop = min(start + _BLOCK, len(paths))
            for _ in pool.map(read, range(start, stop)):
                pass
            if broken:
                raise _broken(sorted(broken))
            if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                log.info("read %d of %d images", stop, len(paths))
    labels = None
    if None not in tree:
        counts = [len(tree.get(name, ())) for name in class_names]
        labels = np.repeat(np.arange(len(class_names)), counts)
    return Split.from_arrays(images, labels, ids=[path.relative_to(folder).as_posix() for path in paths])


def _decode(path, shape, image_size):
    from PIL import Image

    with Image.open(path) as opened:
        image = _to_eight_bits(_upright(opened)).convert("L" if shape[2] == 1 else "RGB")
    if image_size is not None:
        image = image.resize((image_size, image_size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], shape[2])


def _upright(image):
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _to_eight_bits(image):
    from PIL import Image

    # convert("L") would cut 16-bit values off at 255, which leaves nearly all of the picture white.
    if not image.mode.startswith("I"):
        return image
    pixels = np.asarray(image).astype(np.int64)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError("more than 16 bits a pixel")
    return Image.fromarray(((pixels + 128) // 257).astype(np.uint8))


def _broken(paths):
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return InputError(f"{', '.join(map(str, paths[:3]))}{more} cannot be read as images: remove or replace them.")
