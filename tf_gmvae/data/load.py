"""The one way in: a name or a path becomes a `Dataset`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_gmvae.checks import whole_number
from tf_gmvae.data import image_tree, parquet_files, table
from tf_gmvae.data.digits import load_digits
from tf_gmvae.data.idx import CLASS_NAMES, has_idx_files, load_idx
from tf_gmvae.data.image_folder import load_image_folder
from tf_gmvae.data.npz import load_npy, load_npz
from tf_gmvae.data.pictures import ImageSize, resize_arrays
from tf_gmvae.data.shards.manifest import has_shards, load_shards
from tf_gmvae.data.split import Dataset
from tf_gmvae.data.streams.records import record_files
from tf_gmvae.data.svhn import has_svhn_files, load_svhn
from tf_gmvae.data.synthetic import load_synthetic
from tf_gmvae.data.tfds import load_tfds
from tf_gmvae.errors import InputError


def load(
    name: str | Path,
    data_dir: str | Path | None = None,
    *,
    image_size: ImageSize = None,
    channels: int | None = None,
    columns: Sequence[str] | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    kinds: Mapping[str, str] | None = None,
    skip_broken: bool = False,
    series: bool = False,
    seed: int = 0,
) -> Dataset:
    """Loads a data set into memory, or opens one in shards.

    Args:
        name: "synthetic", "digits", "mnist", "fashion_mnist", "svhn", "tfds:NAME", or the path of a table
            (.csv, .tsv, .parquet, .feather), of a folder of .parquet files, of a .npz or .npy file, of a folder of
            images or of a folder of shards.
        data_dir: For mnist, fashion_mnist and svhn, the folder with the original files; where it holds none of
            them, and for tfds:NAME, the folder of TensorFlow Datasets. It must exist. Other data sets have no use
            for it. Default None.
        image_size: For a folder of images, and for images in a .npz or .npy file, the side in pixels of the
            squares to resize to. None keeps the size; "auto" does so if there is a preset for it and no side is
            longer than 96 pixels, and else chooses a size; other data it leaves as they are. Images of a folder
            that differ in size get a chosen size in either case, see `load_image_folder`. Default None.
        channels: For a folder of images, 1 (grey) or 3 (RGB). Default None.
        columns: For a table, as are the next three: names of the columns to find clusters in. Default None: all.
        label_column: Name of the column of known classes, used for scores alone. Default None.
        id_column: Name of the column by which rows are known. Default None: their numbers.
        kinds: Dict of "real", "count", "yes_no" or "category" by column, where a guess would be wrong. Default
            None.
        skip_broken: For a folder of images, whether to leave out those that cannot be read. Default False.
        series: For a .npz or .npy file, whether `(N, T)` and `(N, T, C)` are series over time, and not tables and
            grey images. Default False.
        seed: For "synthetic", the seed of the draw. Default 0.

    Returns:
        The `Dataset`.

    Raises:
        InputError: If the name or the path is unknown, an option does not apply, or the data are bad.

    Example:
        >>> np.savez("table.npz", x=np.random.default_rng(0).normal(size=(300, 5)))
        >>> tf_gmvae.data.load("table.npz").train.data_shape
        (5,)
    """
    name = os.fspath(name)
    path = Path(name).expanduser()
    kind = kind_of(name)
    if kind is None:
        raise _unknown(name)
    sharded = load_shards(path) if kind == "shards" else None
    if sharded is not None and image_size == sharded.image_size:
        image_size = None  # they have that size already
    of_table: dict[str, Any] = {
        "columns": columns, "label_column": label_column, "id_column": id_column, "kinds": kinds,
    }  # fmt: skip
    check_options(
        kind, name, image_size=image_size, channels=channels, skip_broken=skip_broken, series=series, **of_table
    )
    data_dir = _checked_data_dir(data_dir)
    if name in _NAMED:
        return _NAMED[name](data_dir, seed)
    if name.startswith("tfds:"):
        if name == "tfds:":
            raise InputError("tfds: must be followed by the name of a data set, as in tfds:kmnist.")
        _must_exist(data_dir)
        return load_tfds(name.removeprefix("tfds:"), data_dir)
    if sharded is not None:
        return sharded
    if kind == "records":
        raise InputError(
            f"{path} has TFRecord files, which cannot be shuffled: make shards of them, with python -m "
            f"train.shards --dataset={path} --output=shards, and give these."
        )
    if kind == "images":
        return load_image_folder(path, image_size, channels, skip_broken)
    if kind == "arrays":
        reader = load_npz if path.suffix.lower() == ".npz" else load_npy
        return resize_arrays(reader(path, series), image_size)
    return table.load_table(path, **of_table)


def is_named(name: str) -> bool:
    """Whether a data set is known by its name; all others are somebody's own.

    Args:
        name: As `load` takes it.
    """
    return name in _NAMED or name.startswith("tfds:")


def kind_of(name: str) -> str | None:
    """What kind of source a name or a path is, by which all readers go.

    Args:
        name: As `load` takes it.

    Returns:
        "named", "shards", "parquet" (a file or a folder), "records" (a folder of TFRecord files), "images" (any
        other folder), "table" or "arrays"; of files by their suffix, whether they are there or not. None: nothing
        that can be read.

    Raises:
        InputError: If a folder holds two kinds, or nobody may look into it.
    """
    path = Path(name).expanduser()
    if is_named(name):
        return "named"
    if path.is_dir():
        if has_shards(path):
            return "shards"
        if parquet_files.is_parquet(path):
            return "parquet"
        return "records" if record_files(path) else "images"
    if parquet_files.is_parquet(path):
        return "parquet"
    suffix = path.suffix.lower()
    return "table" if suffix in table.SUFFIXES else "arrays" if suffix in (".npz", ".npy") else None


def check_options(kind: str | None, name: str, **options: Any) -> None:
    """Refuses options that do not go with a kind of source, which its reader would leave aside in silence.

    Args:
        kind: Answer of `kind_of`.
        name: What the message calls the source.
        **options: Of `load`, from `image_size` to `series`; those that are not given are not looked at.

    Raises:
        InputError: If one that is given does not go with it, or is none that any image has.
    """
    folders, arrays = "folders of images", ".npz and .npy files"
    tables = f"tables only ({', '.join(sorted(table.SUFFIXES))})"
    size, channels = options.get("image_size"), options.get("channels")
    of_pictures = {
        "image_size": (("images", "records", "arrays"), f"{folders}, {arrays} only"),
        "channels": (("images", "records"), f"{folders} only"),
        "skip_broken": (("images",), f"{folders} only"),
        "series": (("arrays",), f"{arrays} only"),
    }
    for option, value in options.items():
        applies, what = of_pictures.get(option, (("table", "parquet"), tables))
        if value is None or value is False or (option, value) == ("image_size", "auto") or kind in applies:
            continue
        received = "" if what == tables else f" Received: {option}={value!r}."
        raise InputError(f"{option} applies to {what}, and {name!r} is none: leave it out.{received}")
    if size not in (None, "auto"):
        whole_number("image_size", size, 1)
    if channels not in (None, 1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (RGB). Received: channels={channels!r}.")


def _checked_data_dir(data_dir):
    if data_dir is None:
        return None
    data_dir = Path(data_dir).expanduser()
    if data_dir.exists() and not data_dir.is_dir():
        raise InputError(f"data_dir must be a folder, but {data_dir} is a file: give the folder that it is in.")
    return data_dir


def _must_exist(data_dir):
    """Refuses a folder that is not there: TensorFlow Datasets would make it, and download into it."""
    if data_dir is not None and not data_dir.exists():
        raise InputError(
            f"data_dir {data_dir} does not exist: give the folder that holds the data, or make it, for a download "
            "by TensorFlow Datasets."
        )


def _load_mnist(name, data_dir):
    _must_exist(data_dir)
    if data_dir is not None and has_idx_files(data_dir):
        return load_idx(name, data_dir)
    instead = _put_files(
        data_dir, "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
        "t10k-labels-idx1-ubyte.gz",
    )  # fmt: skip
    return load_tfds(name, data_dir, dataset_name=name, class_names=CLASS_NAMES[name], instead=instead)


def _load_svhn(data_dir):
    _must_exist(data_dir)
    if data_dir is not None and has_svhn_files(data_dir):
        return load_svhn(data_dir)
    instead = _put_files(data_dir, "train_32x32.mat, test_32x32.mat and maybe extra_32x32.mat")
    return load_tfds("svhn_cropped", data_dir, train="train+extra", dataset_name="svhn", instead=instead)


def _put_files(data_dir, files):
    where = f"into {data_dir}" if data_dir is not None else "into a folder, given as data_dir"
    return f"put the original files {files} {where}"


_NAMED = {
    "synthetic": lambda data_dir, seed: load_synthetic(seed),
    "digits": lambda data_dir, seed: load_digits(),
    "mnist": lambda data_dir, seed: _load_mnist("mnist", data_dir),
    "fashion_mnist": lambda data_dir, seed: _load_mnist("fashion_mnist", data_dir),
    "svhn": lambda data_dir, seed: _load_svhn(data_dir),
}


_PACKED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".csv.gz")


def _unknown(name):
    suffixes = ", ".join(sorted(table.SUFFIXES))
    if os.path.exists(name):
        instead = "give one of these"
        if name.lower().endswith(_PACKED):
            instead = "unpack it and give what was in it"
        elif name.lower().endswith(image_tree.SUFFIXES):
            instead = "put it into a folder and give that"
        return InputError(
            f"{name} is neither a table ({suffixes}), a .npz or .npy file nor a folder of images: {instead}."
        )
    close = difflib.get_close_matches(name, _NAMED, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return InputError(
        f"there is no data set or path {name!r}: {hint}possible are {', '.join(_NAMED)}, tfds:NAME, and the path "
        f"of a table ({suffixes}), of a .npz or .npy file or of a folder of images."
    )
