"""The one way to data in pieces: a name or a path becomes a `Source`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.data import image_tree, pictures, tfds
from tf_gmvae.data.image_folder import read_images
from tf_gmvae.data.load import check_options, kind_of, load
from tf_gmvae.data.split import Split
from tf_gmvae.data.streams import parquet, records
from tf_gmvae.data.streams.source import (
    BLOCK,
    Piece,
    Skipped,
    Source,
    fingerprint_of,
    of_dataset,
    of_npy,
    ranges,
    state_of,
)
from tf_gmvae.errors import InputError


def open_source(name: str, data_dir: str | None = None, **options: Any) -> Source:
    """Opens data of any size; a folder of pictures, a TFDS set, Parquet, TFRecord and .npy files are never held.

    Args:
        name: As `data.load` takes it, or a folder of TFRecord files.
        data_dir: As in `data.load`. Default None.
        **options: As in `data.load`.

    Returns:
        `Source`.

    Raises:
        InputError: If the data cannot be had, or an option does not apply.
    """
    path = Path(name).expanduser()
    kind = kind_of(name)
    if kind == "shards":
        raise InputError(f"{path} is a folder of shards already: give it to train.main as --dataset.")
    if kind is not None:  # of what is none `load` has a sentence
        check_options(kind, name, **options)
    if name.startswith("tfds:") and name != "tfds:":
        return _of_tfds(name, data_dir)
    if kind == "records":
        return records.of_records(path, options["image_size"], options["channels"])
    if kind == "parquet":
        of_tables = ("columns", "label_column", "id_column", "kinds")
        return parquet.of_parquet(path, **{option: options[option] for option in of_tables})
    if kind == "images":
        of_images = ("image_size", "channels", "skip_broken")
        return _of_images(path, **{option: options[option] for option in of_images})
    if kind == "arrays" and path.suffix.lower() == ".npy" and path.is_file():
        return of_npy(path, options["series"], options["image_size"])
    return of_dataset(load(name, data_dir, **options))


def _of_tfds(name, data_dir):
    builder = tfds.prepared_builder(name.removeprefix("tfds:"), data_dir, name)
    parts = tfds.parts_of(name, builder)
    bytes_each = int(np.prod(builder.info.features["image"].shape))
    pieces: list[Piece] = []
    for part, split in parts.items():
        for begin, end in ranges(builder.info.splits[split].num_examples, bytes_each):
            rows = f"{split}[{begin}:{end}]"
            read = functools.partial(_tfds_piece, name, data_dir, rows)
            pieces.append(Piece(part, read, f"{builder.info.full_name} {rows}"))
    return Source(tuple(pieces), tfds.names_of_classes(builder.info.features))


def _tfds_piece(name: str, data_dir: str | None, split: str) -> Iterator[Split]:
    builder = tfds.prepared_builder(name.removeprefix("tfds:"), data_dir, name)
    for batch in tfds.read_batches(name, builder, split):
        labels = batch.get("label")
        yield Split(batch["image"], None if labels is None else labels.astype("int64"))


def _of_images(folder, image_size, channels, skip_broken):
    tree = image_tree.image_tree(folder, image_size, channels, skip_broken)
    pieces = []
    for part, (paths, labels) in tree.parts.items():
        for begin, end in ranges(len(paths), int(np.prod(tree.shape))):
            known = None if labels is None else labels[begin:end]
            of_piece = (paths[begin:end], known, tree.folder, tree.shape, tree.side, skip_broken)
            files = fingerprint_of(state_of(path, tree.folder, with_time=False) for path in paths[begin:end])
            pieces.append(Piece(part, functools.partial(_image_piece, *of_piece), files))
    return Source(tuple(pieces), tree.class_names, image_size=tree.side)


def _image_piece(
    paths: list[Path], labels: np.ndarray | None, folder: Path, shape: tuple[int, ...], side: int | None,
    skip_broken: bool,
) -> Iterator[Split | Skipped]:  # fmt: skip
    faults = image_tree.Faults(skip_broken)
    with pictures.no_bombs():
        for begin in range(0, len(paths), BLOCK):
            end = begin + BLOCK
            known = None if labels is None else labels[begin:end]
            split = read_images(paths[begin:end], known, folder, shape, side, faults)
            if split is not None:
                yield split
    if faults.all:
        yield Skipped(tuple(image_tree.as_text(path.relative_to(folder)) for path in faults.all))
