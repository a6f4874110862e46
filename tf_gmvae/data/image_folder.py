"""Your own pictures, in a folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.data import pictures, sizes
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
_BLOCK = 1024
_SECONDS_BETWEEN_REPORTS = 5.0

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
    folder = Path(folder)
    has_splits = (folder / "train").is_dir() and (folder / "test").is_dir()
    parts = [folder / "train", folder / "test"] if has_splits else [folder]
    trees = [_class_images(part) for part in parts]
    if has_splits and _images_in(folder):
        raise InputError(f"{folder} has images beside train and test: move them into one of these.")
    class_names = tuple(sorted({name for tree in trees for name in tree if name is not None})) or None
    faults = _Faults(skip_broken)
    with pictures.no_bombs():
        all_paths = [path for tree in trees for paths in tree.values() for path in paths]
        headers = _headers(all_paths, image_size, faults)
        if not headers:
            raise InputError(f"{folder} holds no image that can be read: check the files.")
        found = np.array([header[:2] for header in headers])
        side = pictures.chosen_size(found, image_size)
        if side not in (None, image_size):
            log.info("%s: %s.", folder, pictures.told(found, side))
        shape = (*(found[0] if side is None else (side, side)), channels or (1 if headers[0].grey else 3))
        sizes.check(folder, len(all_paths) * int(np.prod(shape)))
        splits = [
            _read_tree(folder, part, tree, class_names, shape, side, faults)
            for part, tree in zip(parts, trees, strict=True)
        ]
    skipped = tuple(path.relative_to(folder).as_posix() for path in sorted(faults.broken + faults.too_large))
    if skipped:
        log.warning(
            "%s: %d of %d images cannot be read and are left out: %s.",
            folder, len(skipped), len(all_paths), _named(skipped),
        )  # fmt: skip
    return Dataset(
        str(folder), splits[0], splits[1] if has_splits else None, class_names, image_size=side, skipped=skipped
    )


class _Faults:
    """Images that cannot be read."""

    def __init__(self, are_skipped: bool) -> None:
        self.are_skipped = are_skipped
        self.broken: list[Path] = []
        self.too_large: list[Path] = []

    def note(self, path: Path, error: Exception) -> None:
        """Adds one."""
        (self.too_large if pictures.is_bomb(error) else self.broken).append(path)

    def check(self) -> None:
        """Refuses them, unless they are skipped."""
        if self.are_skipped:
            return
        mend = "leave such images out with --skip_broken (in Python, skip_broken=True)"
        if self.broken:
            raise InputError(
                f"{_named(sorted(self.broken))} cannot be read as images: remove or replace them, or {mend}."
            )
        if self.too_large:
            raise InputError(
                f"{_named(sorted(self.too_large))} has more than {pictures.most_pixels():,} pixels, which may be "
                f"an attack on the memory: make it smaller, remove it, or {mend}."
            )


def _named(paths):
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{', '.join(map(str, paths[:3]))}{more}"


def _visible(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _images_in(folder):
    return [path for path in _visible(folder) if path.suffix.lower() in _SUFFIXES and path.is_file()]


def _images_under(folder, above):
    """The images of a folder at any depth; a link that leads back to a folder `above` is not followed."""
    here = folder.resolve()
    if here in above:
        return []
    below = [path for path in _visible(folder) if path.is_dir()]
    return _images_in(folder) + [image for path in below for image in _images_under(path, {*above, here})]


def _class_images(folder):
    """Returns the images of each class of the folder as `{class name: paths}`, or `{None: paths}`."""
    try:
        top, above = _images_in(folder), {folder.resolve()}
        sub_folders = [path for path in _visible(folder) if path.is_dir()]
        classes = {path.name: images for path in sub_folders if (images := _images_under(path, above))}
        if not top and len(classes) == 1:
            (sole,) = classes
            if not _images_in(folder / sole):
                return _class_images(folder / sole)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from error
    if not top and not classes:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in _SUFFIXES))
        raise InputError(f"{folder} holds no images ({suffixes}), nor do its sub-folders: check the path.")
    if top and classes:
        log.info("%s has images both directly in it and in sub-folders: they get no labels.", folder)
        return {None: [*top, *(image for images in classes.values() for image in images)]}
    return classes or {None: top}


def _headers(paths, image_size, faults):
    """Of all images that can be read; of the first one, where the size is given."""
    if image_size in (None, "auto"):
        return _of_readable(paths, faults)
    for path in paths:
        if found := _of_readable([path], faults):
            return found
    return []


def _of_readable(paths, faults):
    found = _each(lambda index: pictures.header(paths[index]), paths, faults)
    return [header for header in found if header is not None]


def _read_tree(folder, part, tree, class_names, shape, side, faults):
    paths = [path for images in tree.values() for path in images]
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

    are_read = np.array([done is not None for done in _each(read, paths, faults)])
    labels = None
    if None not in tree:
        counts = [len(tree.get(name, ())) for name in class_names]
        labels = np.repeat(np.arange(len(class_names)), counts)
    if not are_read.any():
        raise InputError(f"{part} holds no image that can be read: check the files.")
    if not are_read.all():
        images, paths = images[are_read], [paths[index] for index in np.flatnonzero(are_read)]
        labels = None if labels is None else labels[are_read]
    return Split.from_arrays(images, labels, ids=[path.relative_to(folder).as_posix() for path in paths])


def _each(function: Callable[[int], Any], paths: list[Path], faults: _Faults) -> list[Any]:
    """What a function makes of the number of each image; None of those that cannot be read."""

    def guarded(index):
        if paths[index] in known:
            return None
        try:
            return function(index)
        except InputError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
            faults.note(paths[index], error)
            return None

    known = {*faults.broken, *faults.too_large}
    results: list[Any] = []
    reported = time.monotonic()
    with ThreadPoolExecutor() as pool:
        # Block by block, so that a bad image ends the reading soon, not after a million others.
        for start in range(0, len(paths), _BLOCK):
            stop = min(start + _BLOCK, len(paths))
            results += pool.map(guarded, range(start, stop))
            faults.check()
            if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                log.info("read %d of %d images", stop, len(paths))
    return results
