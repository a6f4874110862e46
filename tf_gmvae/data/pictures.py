"""What is done to a picture: its size read, its pixels read, and brought to the size of all."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from tf_gmvae.checks import check_channels_last
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

# A side in pixels, or what to do without one; see `chosen_size`.
ImageSize = int | Literal["auto"] | None

_GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
# EXIF's number for how the camera was held, and the first of its values that swap height and width.
_ORIENTATION, _ON_ITS_SIDE = 0x0112, 5
# Those of a TIFF for its width and height as they are stored.
_SIDES = 256, 257
# Sides in pixels: sizes that are chosen are multiples of the step, up to the largest. Pictures that all have one
# size keep it up to the last of these: beyond, the networks take minutes where they took seconds.
_STEP, _LARGEST, _LARGEST_KEPT = 8, 64, 96
# What is narrower is no picture that anybody could recognise, but most often a table or a series.
_NARROW = 6


class Header(NamedTuple):
    """What is known of a picture before its pixels are read.

    Attributes:
        height: rows of pixels of the upright picture.
        width: columns.
        grey: whether it has no colours.
    """

    height: int
    width: int
    grey: bool


def header(path: Path) -> Header:
    """Reads the size of a picture, without its pixels.

    Args:
        path: The file.

    Returns:
        Its `Header`.

    Raises:
        Exception: Whatever a damaged file leads Pillow to.
    """
    with _opened(path) as image:
        width, height = image.size
        # A PNG that does not tell at its beginning would be read to its end for it.
        told = image.format != "PNG" or "exif" in image.info
        if told and (image.getexif().get(_ORIENTATION) or 1) >= _ON_ITS_SIDE:
            # By the version of Pillow the size of a TIFF is that of the upright picture already.
            width, height = (image.tag_v2[side] for side in _SIDES) if image.format == "TIFF" else (width, height)
            height, width = width, height
        return Header(height, width, image.mode in _GREY_MODES)


def pixels(path: Path, channels: int, side: int | None) -> np.ndarray:
    """Reads a picture.

    Args:
        path: The file.
        channels: 1 (grey) or 3 (RGB).
        side: Resizes to a square of so many pixels a side, or None.

    Returns:
        `(H, W, C)` uint8.

    Raises:
        Exception: Whatever a damaged file leads Pillow to.
    """
    from PIL import Image, ImageOps

    with _opened(path) as opened:
        image = _to_eight_bits(ImageOps.exif_transpose(opened)).convert("L" if channels == 1 else "RGB")
    if side is not None:
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    values = np.asarray(image)
    return values.reshape(*values.shape[:2], channels)


@contextlib.contextmanager
def _opened(file: Path | IO[bytes]) -> Iterator[Any]:
    """A picture, of an open file: of its name Pillow would map a TIFF, and misread one that lies on its side."""
    from PIL import Image

    with contextlib.ExitStack() as open_files:
        content = open_files.enter_context(file.open("rb")) if isinstance(file, Path) else file
        yield open_files.enter_context(Image.open(content))


@contextlib.contextmanager
def no_bombs() -> Iterator[None]:
    """Within it, a picture of more pixels than Pillow takes for safe is an error, and not a warning."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def is_bomb(error: Exception) -> bool:
    """Whether a picture was refused for the number of its pixels.

    Args:
        error: What reading it raised.
    """
    from PIL import Image

    return isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError)


def most_pixels() -> int:
    """The number of pixels beyond which a picture is refused: Pillow's own."""
    from PIL import Image

    return Image.MAX_IMAGE_PIXELS or 0


def chosen_size(sizes: np.ndarray, image_size: ImageSize) -> int | None:
    """The side of the squares to which pictures are resized, where they have to be.

    Args:
        sizes: `(N, 2)` heights and widths in pixels.
        image_size: The side, if it is given. None keeps a size that all have. "auto" keeps it if there is a preset
            for it, and no side is longer than 96 pixels. Sizes that are not kept become the multiple of 8 that is
            nearest to the median of the shorter sides, from 8 to 64.

    Returns:
        The side, or None where pictures keep their size.
    """
    if image_size is not None and image_size != "auto":
        return image_size
    height, width = (int(side) for side in sizes[0])
    if (sizes == sizes[0]).all() and (image_size is None or _is_handy(height, width)):
        return None
    return int(np.clip(_STEP * np.rint(np.median(sizes.min(axis=1)) / _STEP), _STEP, _LARGEST))


def resize_arrays(dataset: Dataset, image_size: ImageSize) -> Dataset:
    """Resizes the images of a data set in memory.

    Args:
        dataset: A `Dataset` of any data.
        image_size: As in `chosen_size`. What is no image is left as it is by "auto", and so is what is narrower
            than 6 pixels.

    Returns:
        A `Dataset`; the same, if nothing is to be resized.

    Raises:
        InputError: If a side is given for what are no images, or for images whose channels come first.
    """
    shape = dataset.train.data_shape
    if image_size is None or (image_size == "auto" and (len(shape) != 3 or min(shape[:2]) < _NARROW)):
        return dataset
    if len(shape) != 3:
        raise InputError(
            f"image_size applies to images (N, H, W) or (N, H, W, C), but {dataset.name} holds examples of shape "
            f"{shape}: leave it out."
        )
    if image_size != "auto":
        check_channels_last(shape)
    side = chosen_size(np.array([shape[:2]]), image_size)
    if side is None:
        return dataset
    if side != image_size:
        log.info("%s: %s.", dataset.name, told(np.array([shape[:2]]), side))
    test = None if dataset.test is None else resized(dataset.test, side)
    return replace(dataset, train=resized(dataset.train, side), test=test, image_size=side)


def told(sizes: np.ndarray, side: int) -> str:
    """The line that says which size was chosen.

    Args:
        sizes: `(N, 2)` heights and widths.
        side: That of the squares.
    """
    (low_height, low_width), (high_height, high_width) = sizes.min(axis=0), sizes.max(axis=0)
    before = f"{low_width} x {low_height}"
    if (low_height, low_width) != (high_height, high_width):
        before += f" to {high_width} x {high_height}"
    return f"images of {before} pixels are resized to {side} x {side}; image_size sets another size"


def told_of_large(images: np.ndarray) -> str:
    """That images in an array are larger than those of files would be kept, and what mends it.

    Args:
        images: array of examples of any kind, (N, H, W, C) if they are images.

    Returns:
        Text without the point at its end; empty where there is nothing to say.
    """
    if images.ndim != 4 or max(images.shape[1:3]) <= _LARGEST_KEPT:
        return ""
    height, width, side = *images.shape[1:3], chosen_size(np.array([images.shape[1:3]]), "auto")
    shades = "images / 255" if images.dtype == np.uint8 else "images"
    return (
        f"images of {width} x {height} pixels make networks of that size, which need gigabytes, and minutes to "
        f"hours: resize them, as files are, to {side} x {side}, by tf.image.resize({shades}, ({side}, {side}), "
        "antialias=True) of (N, H, W, C)"
    )


def _is_handy(height: int, width: int) -> bool:
    from tf_gmvae import presets

    if max(height, width) > _LARGEST_KEPT:
        return False
    try:
        presets.for_shape((height, width, 1))
    except InputError:
        return False
    return True


def resized(split: Split, side: int) -> Split:
    """Images as squares.

    Args:
        split: `Split` of images.
        side: Of the squares, in pixels.

    Returns:
        `Split`.
    """
    from PIL import Image

    examples = split.examples
    new = np.empty((len(examples), side, side, examples.shape[-1]), examples.dtype)
    for example, into in zip(examples, new, strict=True):
        for channel in range(examples.shape[-1]):
            image = Image.fromarray(np.ascontiguousarray(example[..., channel], "float32"))
            values: Any = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
            into[..., channel] = values if new.dtype == np.float32 else np.rint(values)
    return replace(split, examples=new)


def _to_eight_bits(image: Image) -> Image:
    from PIL import Image

    # convert("L") would cut 16-bit values off at 255, which leaves nearly all of the picture white.
    if image.mode == "F":
        raise ValueError("numbers with a fraction, whose range is not known")
    if image.mode == "LAB":
        return image.convert("RGB")  # for Pillow knows no way from it to grey
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("more than 16 bits a pixel")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))
