"""Labelled or unlabelled images from TensorFlow Datasets (TFDS)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tf_gmvae.data import sizes
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError, in_short

_READ_BATCH = 1024
# TFDS tries every download eleven times, with pauses that add up to 200 seconds before a machine without a
# network gets to hear of it.
_MAX_RETRIES = 3


def load_tfds(
    name: str,
    data_dir: str | Path | None = None,
    *,
    train: str = "train",
    dataset_name: str | None = None,
    class_names: tuple[str, ...] | None = None,
    instead: str | None = None,
) -> Dataset:
    """Loads a data set of TFDS: prepared files where there are any, else by downloading it.

    Args:
        name: TFDS' name, such as "kmnist", or "name/config".
        data_dir: TFDS' folder; None is its default, `~/tensorflow_datasets`.
        train: The split, or sum of splits, to train on. The test split is "test", else "validation", else none.
            Default "train".
        dataset_name: The name of the result; None is `tfds:` and the name.
        class_names: Names of the labels; None takes those TFDS has.
        instead: What to do where a download is impossible; None says how to prepare the data elsewhere.

    Returns:
        A `Dataset` of `(N, H, W, C)` uint8 images, with labels where TFDS has them.

    Raises:
        InputError: If TFDS does not know the name, cannot download, or the data are no images of one size.
    """
    dataset_name = dataset_name or f"tfds:{name}"
    builder = prepared_builder(name, data_dir, dataset_name, instead)
    parts = parts_of(dataset_name, builder, train)
    count = sum(builder.info.splits[split].num_examples for split in parts.values())
    sizes.check(dataset_name, count * int(np.prod(builder.info.features["image"].shape)))
    splits = {part: _read_split(dataset_name, builder, split) for part, split in parts.items()}
    return Dataset(
        dataset_name, splits["train"], splits.get("test"), class_names or names_of_classes(builder.info.features)
    )


def parts_of(dataset_name: str, builder: Any, train: str = "train") -> dict[str, str]:
    """The splits to train and to score on, once it is sure that they are images of one size.

    Args:
        dataset_name: For messages.
        builder: Of TFDS.
        train: As in `load_tfds`. Default "train".

    Returns:
        Dict of the names of the splits by "train" and maybe "test".

    Raises:
        InputError: As `load_tfds`.
    """
    _check_features(dataset_name, builder.info.features)
    splits = builder.info.splits
    missing = [part for part in train.split("+") if part not in splits]
    if missing:
        raise InputError(
            f"{dataset_name} must have the split {missing[0]!r}: choose another data set. Received: the splits "
            f"{', '.join(splits) or 'none'}."
        )
    test = next((part for part in ("test", "validation") if part in splits), None)
    return {"train": train} | ({} if test is None else {"test": test})


def prepared_builder(name: str, data_dir: str | Path | None, dataset_name: str, instead: str | None = None) -> Any:
    """The builder of a data set that is prepared, or is so after a download.

    Args:
        name: As in `load_tfds`.
        data_dir: As in `load_tfds`.
        dataset_name: For messages.
        instead: As in `load_tfds`. Default None.

    Raises:
        InputError: If it cannot be had.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import read_only_builder

    instead = instead or "prepare it on a machine with a network and give its TFDS folder as data_dir"
    try:
        # Looked for first, so that prepared data need neither the network nor the code that prepared them.
        return read_only_builder.builder_from_files(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        pass
    except Exception as error:
        raise InputError(
            f"{dataset_name} could not be opened in the TFDS folder ({in_short(error)}): check the name, or "
            f"{instead}."
        ) from error
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except Exception as error:
        raise InputError(
            f"{dataset_name} is neither prepared in the TFDS folder nor known to TFDS ({in_short(error)}): "
            "check the name against https://www.tensorflow.org/datasets/catalog, or give the folder of your own "
            "set as data_dir."
        ) from error
    try:
        with _few_retries():
            builder.download_and_prepare()
    except ImportError as error:
        raise InputError(
            f"{dataset_name} cannot be prepared, as TFDS lacks the Python package {error.name}: install it, or "
            f"{instead}."
        ) from error
    except Exception as error:
        raise InputError(f"{dataset_name} could not be downloaded ({_reason(error)}): {instead}.") from error
    return builder


@contextmanager
def _few_retries():
    from tensorflow_datasets.core.download import downloader

    # One sentence says it in the end; a line for each try would bury it.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # Not a setting of TFDS but a constant of its module: where a version has none, its own patience applies.
    default = getattr(downloader, "MAX_RETRIES", None)
    if default is None:
        yield
        return
    downloader.MAX_RETRIES = min(_MAX_RETRIES, default)
    try:
        yield
    finally:
        downloader.MAX_RETRIES = default


def _check_features(dataset_name, features):
    found = ", ".join(features)
    if "image" not in features:
        raise InputError(
            f"{dataset_name} must have the feature 'image': choose a data set of images. Received: {found}."
        )
    image = features["image"]
    if image.shape is None or len(image.shape) != 3 or None in image.shape:
        raise InputError(
            f"{dataset_name} has images of varying sizes, of shape {image.shape}: save them as files and load the "
            "folder with image_size."
        )
    if np.dtype(image.np_dtype) != np.uint8:
        raise InputError(
            f"{dataset_name} must have uint8 images: choose another data set, or save the images as .npz. "
            f"Received: {np.dtype(image.np_dtype)}."
        )
    if "label" in features:
        label = features["label"]
        if label.shape != () or np.dtype(label.np_dtype).kind not in "iu":
            raise InputError(
                f"{dataset_name} must have one whole number as the label: choose another data set. Received: "
                f"{np.dtype(label.np_dtype)} of shape {label.shape}."
            )


def names_of_classes(features: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names of the labels, or None.

    Args:
        features: Of a builder.
    """
    # A label that is a plain number has no names; one without known classes has None.
    names = getattr(features["label"], "names", None) if "label" in features else None
    return tuple(names) if names else None


def _read_split(dataset_name, builder, split):
    features = builder.info.features
    count = builder.info.splits[split].num_examples
    images = np.empty((count, *features["image"].shape), np.uint8)
    labels = np.empty(count, np.int64) if "label" in features else None
    start = 0
    for batch in read_batches(dataset_name, builder, split):
        stop = start + len(batch["image"])
        images[start:stop] = batch["image"]
        if labels is not None:
            labels[start:stop] = batch["label"]
        start = stop
    if start != count:
        raise InputError(
            f"{dataset_name}, split {split!r}, must hold {count} examples, but {start} could be read: remove "
            f"{builder.data_dir} and prepare it again."
        )
    return Split(images, labels)


def read_batches(dataset_name: str, builder: Any, split: str) -> Iterator[dict[str, np.ndarray]]:
    """The images of a split, and their labels if they have any.

    Args:
        dataset_name: For messages.
        builder: Of TFDS.
        split: Name of the split, or a part of it, "train[100:200]".

    Yields:
        Dicts of "image", uint8 (B, H, W, C), and maybe "label", (B,).

    Raises:
        InputError: If they cannot be read.
    """
    keys = [key for key in ("image", "label") if key in builder.info.features]
    try:
        examples = builder.as_dataset(split=split, shuffle_files=False)
        examples = examples.map(lambda example: {key: example[key] for key in keys})
        yield from examples.batch(_READ_BATCH).as_numpy_iterator()
    except Exception as error:
        raise InputError(
            f"{dataset_name}, split {split!r}, could not be read ({in_short(error)}): remove "
            f"{builder.data_dir} and prepare it again."
        ) from error


def _reason(error):
    from requests.exceptions import ConnectionError as NoConnection

    if isinstance(error, NoConnection) and error.request is not None:
        return f"no connection to {urlsplit(str(error.request.url)).hostname}"
    return in_short(error)
