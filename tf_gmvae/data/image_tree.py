"""Your own pictures, in a folder: found, and what cannot be read of them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae import disk
from tf_gmvae.data import other_pictures, pictures
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.reading import listing
from tf_gmvae.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_BLOCK = 1024
_SECONDS_BETWEEN_REPORTS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageTree:
    """The images of a folder, found but not read.

    Attributes:
        folder: The folder.
        parts: By "train" and maybe "test", the paths of the images and their labels, `(N,)` int64 or None.
        class_names: As of a `Dataset`.
        shape: `(H, W, C)` of the images.
        side: Resized to squares of so many pixels a side, or None.
        faults: What could not be read so far.
    """

    folder: Path
    parts: dict[str, tuple[list[Path], np.ndarray | None]]
    class_names: tuple[str, ...] | None
    shape: tuple[int, ...]
    side: int | None
    faults: Faults

    @property
    def num_images(self) -> int:
        """Of all parts."""
        return sum(len(paths) for paths, _ in self.parts.values())


def image_tree(
    folder: str | Path, image_size: ImageSize = None, channels: int | None = None, skip_broken: bool = False
) -> ImageTree:
    """Finds the images of a folder, see `load_image_folder`.

    Args:
        folder: The folder.
        image_size: Default None.
        channels: Default None.
        skip_broken: Default False.

    Returns:
        The `ImageTree`.

    Raises:
        InputError: As `load_image_folder`.
    """
    folder = Path(folder)
    with listing():
        root = _passed_through(folder)
        parts = _parts(root)
        trees = [_class_images(_passed_through(part)) for part in parts or [root]]
        if unread := other_pictures.found(*(parts or [root])):
            log.warning("%s: %s.", folder, unread)
        if parts and _images_in(root):
            raise InputError(f"{root} has images beside train and test: move them into one of these.")
        others = [path.name for path in _visible(root) if path.is_dir() and path not in parts] if parts else []
    if others:
        log.info("%s: train and test are read; what lies beside them is left out: %s.", root, ", ".join(others))
    if not parts and {"train", "test"} <= {str(name).lower() for name in trees[0]}:
        log.info("%s: as parts of the data, and not classes, folders are called train and test.", root)
    class_names = tuple(sorted({name for tree in trees for name in tree if name is not None})) or None
    faults = Faults(skip_broken)
    with pictures.no_bombs():
        all_paths = [path for tree in trees for paths in tree.values() for path in paths]
        headers = _headers(all_paths, image_size, faults)
        if not headers:
            raise InputError(f"{folder} holds no image that can be read: check the files.")
        found = np.array([header[:2] for header in headers])
        side = pictures.chosen_size(found, image_size)
        if side not in (None, image_size):
            log.info("%s: %s.", folder, pictures.told(found, side))
    height, width = map(int, found[0] if side is None else (side, side))
    shape = (height, width, channels or (1 if headers[0].grey else 3))
    named = dict(zip(("train", "test"), (_with_labels(tree, class_names) for tree in trees), strict=False))
    return ImageTree(folder, named, class_names and tuple(map(as_text, class_names)), shape, side, faults)


class Faults:
    """Images that cannot be read."""

    def __init__(self, are_skipped: bool) -> None:
        self.are_skipped = are_skipped
        self.broken: list[Path] = []
        self.too_large: list[Path] = []

    def note(self, path: Path, error: Exception) -> None:
        """Adds one."""
        (self.too_large if pictures.is_bomb(error) else self.broken).append(path)

    @property
    def all(self) -> list[Path]:
        """Their paths, sorted."""
        return sorted(self.broken + self.too_large)

    def check(self) -> None:
        """Refuses them, unless they are skipped."""
        if self.are_skipped:
            return
        mend = "leave such images out with --skip_broken (in Python, skip_broken=True)"
        if self.broken:
            raise InputError(
                f"{named(sorted(self.broken))} cannot be read as images: remove or replace them, or {mend}."
            )
        if self.too_large:
            raise InputError(
                f"{named(sorted(self.too_large))} has more than {pictures.most_pixels():,} pixels, which may be "
                f"an attack on the memory: make it smaller, remove it, or {mend}."
            )


def named(paths: Sequence[object]) -> str:
    """Some of them, for a message.

    Args:
        paths: Of images.
    """
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{', '.join(map(str, paths[:3]))}{more}"


def as_text(name: str | Path) -> str:
    r"""The name of a file as a text that any other file takes: old archives leave names that are not UTF-8.

    Args:
        name: Name or path. Of bytes that are not UTF-8 their code is written, such as \xfc.
    """
    return os.fsencode(Path(name).as_posix()).decode("utf-8", "backslashreplace")


def _visible(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path):
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _images_in(folder):
    return list(filter(_is_image, _visible(folder)))


def _images_under(folder, above):
    """The images of a folder at any depth; a link that leads back to a folder `above` is not followed."""
    here = folder.resolve()
    if here not in above:
        visible = _visible(folder)
        yield from filter(_is_image, visible)
        for path in visible:
            if path.is_dir():
                yield from _images_under(path, {*above, here})


def _with_images(folder):
    """The folders in a folder that hold images, at any depth."""
    above = {folder.resolve()}
    return [path for path in _visible(folder) if path.is_dir() and any(_images_under(path, above))]


def holds_images(folder: str | Path) -> bool:
    """Whether there are images in a folder, at any depth.

    Args:
        folder: The folder.

    Raises:
        InputError: If one of the folders cannot be read.
    """
    with listing():
        return any(_images_under(Path(folder), set()))


def _parts(folder):
    parts = [folder / "train", folder / "test"]
    return parts if all(part.is_dir() for part in parts) else []


def _passed_through(folder):
    """The folder of the parts or classes: a sole one that holds nothing but folders is passed through."""
    while not _parts(folder) and not _images_in(folder):
        below = _with_images(folder)
        if len(below) != 1 or (_images_in(below[0]) and not _parts(below[0])):
            break
        (folder,) = below
    return folder


def _class_images(folder):
    """Returns the images of each class of the folder as `{class name: paths}`, or `{None: paths}`."""
    top, above = _images_in(folder), {folder.resolve()}
    below = [path for path in _visible(folder) if path.is_dir()]
    classes = {path.name: images for path in below if (images := [*_images_under(path, above)])}
    if not top and not classes:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        unread = other_pictures.found(folder)
        mend = f"check the path{f'; {unread}' * bool(unread)}"
        raise InputError(f"{folder} holds no images ({suffixes}), nor do its sub-folders: {mend}.")
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
    found = each(lambda index: pictures.header(paths[index]), paths, faults)
    return [header for header in found if header is not None]


def _with_labels(tree, class_names):
    paths = [path for images in tree.values() for path in images]
    if None in tree:
        return paths, None
    return paths, np.repeat(np.arange(len(class_names)), [len(tree.get(name, ())) for name in class_names])


def each(function: Callable[[int], Any], paths: list[Path], faults: Faults) -> list[Any]:
    """What a function makes of the number of each image.

    Args:
        function: Of a number to anything but None.
        paths: Of the images.
        faults: To which those are added that cannot be read.

    Returns:
        List, None of those that cannot be read.

    Raises:
        InputError: If some cannot be read, and are not skipped; or if the system withholds one, whatever is in it.
    """

    def guarded(index):
        if paths[index] in known:
            return None
        try:
            return function(index)
        except InputError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
            if withheld := disk.withheld(error, paths[index]):
                raise InputError(f"{withheld}.") from None
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
