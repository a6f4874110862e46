"""Your own arrays, in a .npz or a .npy file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from tf_gmvae.data import sizes
from tf_gmvae.data.reading import reading
from tf_gmvae.data.split import Dataset, Split, checked_labels
from tf_gmvae.errors import InputError
from tf_gmvae.tables.precision import merged_of_array

_NPY_MAGIC = b"\x93NUMPY"
_LAYOUTS = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("images", "labels"),
    ("x", "y"),
)
# Of what `scipy.sparse.save_npz` writes.
_SPARSE = {"format", "shape", "data"}


def load_npz(path: str | Path, series: bool = False) -> Dataset:
    """Loads a .npz file, as `np.savez` writes it.

    Args:
        path: The file. It holds `x_train` and maybe `y_train`, `x_test` and `y_test`; or `images` and maybe
            `labels`; or `x` and maybe `y`. Examples are `(N, F)`, `(N, H, W)` or `(N, H, W, C)`, where uint8
            is kept and other numbers become float32. Labels are whole numbers, or strings, which are numbered
            in sorted order and become the class names.
        series: Whether examples are series `(N, T)` or `(N, T, C)`, which become `(N, T, C)`. Default False.

    Returns:
        A `Dataset` named after the path.

    Raises:
        InputError: If the file is missing, damaged, has other keys, or an array does not fit.
    """
    arrays = _read_arrays(path)
    layout = _layout(path, set(arrays))
    train_labels, test_labels, class_names = _number_labels(path, arrays.get(layout[1]), arrays.get("y_test"))
    train = _split(path, layout[:2], arrays[layout[0]], train_labels, series)
    test = _split(path, layout[2:], arrays["x_test"], test_labels, series) if "x_test" in arrays else None
    return Dataset(str(path), train, test, class_names, merged=_merged(arrays[layout[0]], series))


def load_npy(path: str | Path, series: bool = False) -> Dataset:
    """Loads a .npy file, as `np.save` writes it: examples without labels.

    Args:
        path: The file. It holds one array, as `x` of `load_npz`.
        series: As in `load_npz`. Default False.

    Returns:
        A `Dataset` named after the path.

    Raises:
        InputError: If the file is missing, damaged, or its array does not fit.
    """
    mend = "write it again with np.save, from a plain numeric array"
    with reading(path, "a .npy file", mend):
        with open(path, "rb") as file:
            if file.read(len(_NPY_MAGIC)) != _NPY_MAGIC:
                raise InputError(f"{path} is no .npy file: {mend}.")
        sizes.check(path, Path(path).stat().st_size)
        array = _plain(path, None, lambda: np.load(path, allow_pickle=False), mend)
    return Dataset(str(path), _split(path, (None, None), array, None, series), merged=_merged(array, series))


def _read_arrays(path):
    mend = "write it again with np.savez, from plain numeric arrays"
    with reading(path, "a .npz file", mend):
        # Told apart here: of what it does not know, NumPy only says that it might be a pickle.
        with open(path, "rb") as file:
            is_single = file.read(len(_NPY_MAGIC)) == _NPY_MAGIC
        if is_single:
            raise InputError(
                f"{path} holds a single array, not the named arrays of a .npz file: name it .npy, or {mend}."
            )
        if not zipfile.is_zipfile(path):
            raise InputError(f"{path} is no .npz file, or is cut short: {mend}.")
        with zipfile.ZipFile(path) as packed:  # no more is unpacked than it says here
            sizes.check(path, sum(member.file_size for member in packed.infolist()))
        with np.load(path, allow_pickle=False) as archive:
            return {key: _plain(path, key, lambda key=key: archive[key], mend) for key in archive.files}


def _plain(path, key, read, mend):
    try:
        return np.asarray(read())  # of what is no array in the archive, NumPy returns the bytes
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        if key in {name for layout in _LAYOUTS for name in layout[1::2]}:
            mend = f"write it again with np.savez, from {key}.astype(str)"
        else:
            mend += ", and series cut or resampled to one length"
        raise InputError(f"{_place(path, key)}: holds objects of Python, not numbers: {mend}.") from error


def _layout(path, keys):
    for layout in _LAYOUTS:
        if layout[0] in keys and keys <= set(layout) and ("y_test" not in keys or "x_test" in keys):
            return layout
    if keys >= _SPARSE:
        raise InputError(
            f"{path} holds a sparse matrix of SciPy: write it again as a dense one, "
            "np.savez(path, x=scipy.sparse.load_npz(path).toarray())."
        )
    # A key beyond the known ones may be a misspelt one: labels must not get lost in silence.
    raise InputError(
        f"{path} must hold x_train [y_train, x_test, y_test], images [labels] or x [y], and nothing else: rename "
        f"or drop arrays. Received: {', '.join(sorted(keys)) or 'no array'}."
    )


def _number_labels(path, *label_arrays):
    """Returns the label arrays with strings replaced by numbers, and the class names (None for numbers)."""
    given = [labels for labels in label_arrays if labels is not None]
    are_strings = {labels.dtype.kind in "US" for labels in given}
    if len(are_strings) == 2:
        raise InputError(
            f"{path} has strings in one of y_train and y_test and numbers in the other: use one kind."
        )
    if are_strings != {True}:
        return *label_arrays, None
    texts = [None if labels is None else _as_texts(labels) for labels in label_arrays]
    class_names = np.unique(np.concatenate([labels.ravel() for labels in texts if labels is not None]))
    numbered = (None if labels is None else np.searchsorted(class_names, labels) for labels in texts)
    return *numbered, tuple(class_names.tolist())


def _as_texts(labels):
    # Bytes are UTF-8, or of older files Latin-1.
    if labels.dtype.kind == "U":
        return labels
    try:
        return np.char.decode(labels, "utf-8")
    except UnicodeDecodeError:
        return np.char.decode(labels, "latin-1")


def _split(path, keys, examples, labels, series):
    key, key_of_labels = keys
    if series and examples.ndim not in (2, 3):
        raise InputError(
            f"{_place(path, key)}: series are (N, T) or (N, T, C), but its shape is {examples.shape}: reshape it, "
            "or leave series out."
        )
    if series and examples.ndim == 2:
        examples = examples[..., np.newaxis]
    if labels is not None and examples.ndim and examples.size:
        try:
            labels = checked_labels(labels, len(examples))
        except InputError as error:
            raise InputError(f"{_place(path, key_of_labels)}: {error}") from error
    try:
        return Split.from_arrays(examples, labels, series=series)
    except InputError as error:
        is_table = examples.ndim == 2 and examples.dtype.kind == "f" and np.isnan(examples).any()
        further = ", or give them as a CSV or Parquet file, where NaN counts as missing." if is_table else "."
        raise InputError(f"{_place(path, key)}: {str(error).removesuffix('.')}{further}") from error


def _merged(examples, series):
    return "" if series or examples.ndim != 2 else merged_of_array(examples)


def _place(path, key):
    return f"{path}, array {key}" if key else str(path)
