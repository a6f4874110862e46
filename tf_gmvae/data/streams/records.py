"""Folders of TFRecord files with pictures, of `tf.train.Example` as they are mostly written."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae.data import pictures
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.split import Split
from tf_gmvae.data.streams.source import BLOCK, Piece, Source, state_of
from tf_gmvae.errors import InputError, in_short

_IMAGES = ("image", "image/encoded", "image_raw")
_LABELS = ("label", "image/class/label")
_IDS = ("id", "image/filename")
# Names such as test.tfrecord, test-00000-of-00002.tfrecord and birds-test.tfrecord-00000-of-00001.
_TEST = re.compile(r"(^|[-_.])test([-_.]|\d|$)")


def record_files(folder: Path) -> list[Path]:
    """The TFRecord files of a folder, sorted by name.

    Args:
        folder: The folder.
    """
    return sorted(path for path in folder.glob("[!.]*") if ".tfrecord" in path.name and path.is_file())


def of_records(folder: Path, image_size: ImageSize = None, channels: int | None = None) -> Source:
    """The pictures in TFRecord files.

    Args:
        folder: Folder of files `*.tfrecord*`; those with the word "test" in their names are the test part, and all
            others the training part. Examples have the bytes of a picture's file as `image` or `image/encoded`,
            and maybe a whole number as `label` or `image/class/label` and a text as `id` or `image/filename`.
        image_size: Side in pixels of the squares to resize to; None keeps the size of the first one. Default None.
        channels: 1 or 3; None is 1 if the first one is grey, else 3. Default None.

    Returns:
        The `Source`, a piece of each file.

    Raises:
        InputError: If a file cannot be read, or holds no pictures.
    """
    files = record_files(folder)
    first = next(_examples(files[0]), None)
    if first is None:
        raise InputError(f"{files[0]} holds no record: remove it.")
    keys = [_key(files[0], first, names, kind, required) for names, kind, required in (
        (_IMAGES, "bytes_list", True), (_LABELS, "int64_list", False), (_IDS, "bytes_list", False),
    )]  # fmt: skip
    strange = None if keys[1] else _label_of(first)
    if strange:
        raise InputError(f"{files[0]} has {strange!r}, but no whole number in it: write labels as int64.")
    with pictures.no_bombs():
        header = _picture(files[0], first, keys[0], pictures.header)
    side = pictures.chosen_size(np.array([header[:2]]), image_size)
    channels = channels or (1 if header.grey else 3)
    pieces = [
        Piece(
            "test" if _TEST.search(file.name) else "train",
            functools.partial(_read, file, tuple(keys), channels, side),
            state_of(file),
        )
        for file in files
    ]
    return Source(tuple(pieces), image_size=side)


def _examples(file):
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield tf.train.Example.FromString(record)
    except Exception as error:  # of TensorFlow or of protobuf, whatever a damaged file leads them to
        reason = in_short(error)
        raise InputError(f"{file} is damaged or has no tf.train.Example ({reason}): write it again.") from None


def _key(file, example, names, kind, required):
    features = example.features.feature
    found = next((name for name in names if name in features and features[name].WhichOneof("kind") == kind), None)
    if found is None and required:
        raise InputError(
            f"{file} must have the bytes of pictures as {' or '.join(map(repr, names))}: rename the feature. "
            f"Received: {', '.join(sorted(features)) or 'none'}."
        )
    return found


def _label_of(example):
    """The name under which a record has something as its label, or None."""
    return next((name for name in _LABELS if name in example.features.feature), None)


def _value(file: Path, example: Any, key: str, kind: str) -> Any:
    """What a record has under a key: where the first has a label, or an id, all have one."""
    features = example.features.feature
    values: Any = getattr(features[key], kind).value if key in features else ()
    if len(values) != 1:
        raise InputError(f"{file} has a record with {len(values)} values of {key!r}: write one in each.")
    return values[0]


def _picture(file: Path, example: Any, key: str, read: Any) -> Any:
    try:
        return read(io.BytesIO(example.features.feature[key].bytes_list.value[0]))
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        raise InputError(
            f"{file} has a record whose {key!r} is no picture ({in_short(error)}): write it again."
        ) from None


def _read(
    file: Path, keys: tuple[str, str | None, str | None], channels: int, side: int | None
) -> Iterator[Split]:
    image, label, name = keys
    rows: list[tuple[np.ndarray, int, str]] = []

    def split():
        shapes = {pixels.shape for pixels, _, _ in rows}
        if len(shapes) > 1:
            raise InputError(f"{file} has pictures of {len(shapes)} sizes: give image_size to resize all.")
        return Split(
            np.stack([pixels for pixels, _, _ in rows]),
            None if label is None else np.array([number for _, number, _ in rows], "int64"),
            None if name is None else np.array([text for _, _, text in rows], dtype=str),
        )

    with pictures.no_bombs():
        for example in _examples(file):
            lost = None if label else _label_of(example)
            if lost:
                raise InputError(
                    f"{file} has records with {lost!r}, and others without: give all of them one, or none."
                )
            number = _value(file, example, label, "int64_list") if label else 0
            text = _value(file, example, name, "bytes_list").decode("utf-8", "replace") if name else ""
            pixels = _picture(file, example, image, lambda opened: pictures.pixels(opened, channels, side))
            rows.append((pixels, number, text))
            if len(rows) == BLOCK:
                yield split()
                rows = []
    if rows:
        yield split()
