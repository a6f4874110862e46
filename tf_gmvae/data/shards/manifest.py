"""The manifest of a folder of shards: which files there are, and what is in them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.data.reading import listing
from tf_gmvae.data.shards.split import ShardedSplit, ShardFile
from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError, in_short
from tf_gmvae.tables.columns import Columns

MANIFEST = "shards.json"
FORMAT = 1
_DTYPES = ("uint8", "float32")


def has_shards(folder: str | Path) -> bool:
    """Whether a folder is one of shards.

    Args:
        folder: Path.

    Raises:
        InputError: If nobody may look whether it is.
    """
    with listing():
        return (Path(folder) / MANIFEST).is_file()


def load_shards(folder: str | Path) -> Dataset:
    """Opens a folder of shards.

    Args:
        folder: Path.

    Returns:
        A `Dataset` of one or two `ShardedSplit`.

    Raises:
        InputError: If the manifest cannot be read, or does not go with the files.
    """
    path = Path(folder) / MANIFEST
    with listing():
        content = path.read_bytes()
    try:
        manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise InputError(f"{path} is of format {manifest['format']}, not {FORMAT}: update tf-gmvae.")
        splits = {name: _split(Path(folder), manifest, name) for name in manifest["splits"]}
        columns, class_names = manifest["columns"], manifest["class_names"]
        return Dataset(
            str(folder),
            splits["train"],
            splits.get("test"),
            None if class_names is None else tuple(map(str, class_names)),
            None if columns is None else Columns.from_config(columns),
            image_size=manifest.get("image_size"),
            skipped=tuple(map(str, manifest.get("skipped", ()))),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        reason = in_short(error)
        raise InputError(f"{path} is damaged ({type(error).__name__}: {reason}): make the shards again.") from None


def _split(folder: Path, manifest: Mapping[str, Any], name: str) -> ShardedSplit:
    found, shape, dtype = manifest["splits"][name], manifest["data_shape"], manifest["dtype"]
    path = folder / MANIFEST
    files = []
    for record in found["files"]:
        file_name = record["name"]
        if not isinstance(file_name, str) or Path(file_name).name != file_name or file_name in ("", ".", ".."):
            raise InputError(f"{path} names a file outside of its folder, {file_name!r}: do not use these shards.")
        files.append(
            ShardFile(
                folder / file_name, _count(record["num_examples"]), _count(record["num_bytes"]), record["sha256"]
            )
        )
    low, high = map(float, found["extremes"])
    num_classes = found["num_classes"]
    if dtype not in _DTYPES or not files or not low <= high:
        raise ValueError(f"{dtype!r}, {len(files)} files, values from {low:g} to {high:g}")
    bytes_each = math.prod(map(_count, shape)) * np.dtype(dtype).itemsize
    for file in files:  # records are not compressed
        if file.num_bytes < file.num_examples * bytes_each:
            raise ValueError(f"{file.path.name} is too short for {file.num_examples:,} examples")
    return ShardedSplit(
        tuple(files),
        tuple(map(_count, shape)),
        dtype,
        None if num_classes is None else _count(num_classes),
        bool(found["has_ids"]),
        bool(manifest["missing"]),
        (low, high),
    )


def _count(value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is no number of things")
    return value
