"""Data in memory: one split, and a data set of one or two splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tf_gmvae.data.frames import without_mask
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns

# Large arrays are checked piece by piece: isfinite() of the whole would add a quarter of its size in bools.
_CHECK_ROWS = 4096
# Bytes: TensorFlow's own tensors begin at multiples of this, and its kernels rely on it.
ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class Split:
    """Examples in memory, with labels where the source has them.

    Attributes:
        examples: `(N, H, W, C)` images, `(N, F)` features, or of any other shape `(N, ...)` that the model is made
            for, uint8 or float32. uint8 are shades of 0 to 255, which the model divides by 255, except under a
            likelihood of counts; float32 reach it as they are. Kept as a copy where they do not begin at a
            multiple of 64 bytes, which is where TensorFlow can read them without a copy of its own.
        labels: `(N,)` int64, or None. Labels are never used for training, only for scores.
        ids: `(N,)` strings by which examples are known outside, as the paths of pictures in their folder; or None,
            where their numbers 0 to N - 1 are all there is.
        missing: whether NaN is no mistake, but marks a value that is missing. Default False.

    Raises:
        InputError: If there is no example, the shape or the dtype is another one, a float example is
            NaN or infinite, or the labels or ids do not fit the examples.
    """

    examples: np.ndarray
    labels: np.ndarray | None = None
    ids: np.ndarray | None = None
    missing: bool = False

    def __post_init__(self) -> None:
        _check_examples(self.examples, self.missing)
        object.__setattr__(self, "examples", _aligned(self.examples))
        if self.labels is not None:
            _check_labels(self.labels, len(self.examples))
        if self.ids is not None and self.ids.shape != (len(self.examples),):
            raise InputError(
                f"ids must be one an example, so of shape ({len(self.examples)},). Received: {self.ids.shape}."
            )

    @classmethod
    def from_arrays(
        cls,
        examples: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        ids: ArrayLike | None = None,
        series: bool = False,
    ) -> Split:
        """Builds a split of whatever numeric arrays a source holds.

        Args:
            examples: `(N, F)`, `(N, H, W)` (which gets a channel axis), `(N, H, W, C)`, or of more axes. uint8 is
                kept, every other numeric dtype becomes float32.
            labels: None, or `(N,)` or `(N, 1)` whole numbers.
            ids: None, or `(N,)` names of the examples. Default None.
            series: whether `(N, T, F)` are series, which are kept as they are, and not grey images `(N, H, W)`.
                Default False.

        Returns:
            The `Split`.

        Raises:
            InputError: As for `Split`, or if an array is not numeric.

        Example:
            >>> tf_gmvae.data.Split.from_arrays(np.zeros((3, 8, 8), "uint8"), labels=[0, 1, 0]).data_shape
            (8, 8, 1)
        """
        examples = np.asarray(without_mask(examples))
        if examples.dtype.kind not in "buif":
            raise InputError(f"examples must be numbers. Received: an array of dtype {examples.dtype}.")
        if examples.dtype not in (np.uint8, np.float32):
            with np.errstate(over="ignore"):  # what overflows becomes inf, and is then named as such
                examples = examples.astype(np.float32)
        if examples.ndim == 3 and not series:
            examples = examples[..., np.newaxis]
        return cls(
            examples,
            None if labels is None else _whole_numbers(labels),
            None if ids is None else np.asarray(ids).astype(str),
        )

    def take(self, numbers: np.ndarray) -> Split:
        """Some of the examples, with what is known of them.

        Args:
            numbers: `(N',)` integers.

        Returns:
            The `Split` of `N'`.
        """
        labels, ids = (None if part is None else part[numbers] for part in (self.labels, self.ids))
        return Split(self.examples[numbers], labels, ids, self.missing)

    def check_names(self, what: str, class_names: tuple[str, ...]) -> None:
        """Checks that every label has a name.

        Args:
            what: What messages call the labels.
            class_names: The name of label 0, 1, ...

        Raises:
            InputError: If one has none.
        """
        if self.labels is not None and self.labels.max() >= len(class_names):
            raise InputError(
                f"{what} must be 0 to {len(class_names) - 1}, one for each class name: repair or download the "
                f"data again. Received: {self.labels.max()} for example {int(self.labels.argmax())}."
            )

    @property
    def num_examples(self) -> int:
        """Number of examples, N."""
        return len(self.examples)

    @property
    def dtype(self) -> np.dtype:
        """Of the examples: uint8 or float32."""
        return self.examples.dtype

    @property
    def has_labels(self) -> bool:
        """Whether there are labels."""
        return self.labels is not None

    @property
    def extremes(self) -> tuple[float, float]:
        """Smallest and largest value; NaN, where one is missing."""
        return float(self.examples.min()), float(self.examples.max())

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(H, W, C)`, `(F,)` or another."""
        return self.examples.shape[1:]

    @property
    def num_classes(self) -> int | None:
        """Number of different labels, or None without labels."""
        return None if self.labels is None else len(np.unique(self.labels))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named data set.

    Attributes:
        name: As given to `tf_gmvae.data.load`.
        train: The training split.
        test: The test split, or None.
        class_names: The name of label 0, 1, ..., or None.
        columns: `tables.Columns`, what the columns of a table hold; None of other data.
        image_size: The side in pixels of the squares that images were resized to, or None.
        skipped: The ids of what the source holds but could not be read, and was left out.
        merged: What `tables.precision.merged_of_array` says of the training part as the source holds it.

    Raises:
        InputError: If the two splits differ in the shape or the dtype of their examples, or a label has no
            class name.
    """

    name: str
    train: Split
    test: Split | None = None
    class_names: tuple[str, ...] | None = None
    columns: Columns | None = None
    image_size: int | None = None
    skipped: tuple[str, ...] = ()
    merged: str = ""

    def __post_init__(self) -> None:
        for what, split in (("train", self.train), ("test", self.test)):
            if split is not None and split.has_labels and self.class_names is not None:
                split.check_names(f"the {what} labels of {self.name!r}", self.class_names)
        if self.test is None:
            return
        for what, train, test in (
            ("shape", self.train.data_shape, self.test.data_shape),
            ("dtype", self.train.dtype, self.test.dtype),
        ):
            if train != test:
                raise InputError(
                    f"the train and test examples of {self.name!r} must have one {what}, so convert one of "
                    f"them. Received: train {train}, test {test}."
                )

    @property
    def scored(self) -> Split:
        """The part that is scored: the test part, or the training part where there is no other."""
        return self.train if self.test is None else self.test

    @property
    def scored_name(self) -> str:
        """What that part is called: "test" or "train"."""
        return "train" if self.test is None else "test"


def checked_labels(labels: ArrayLike, num_examples: int) -> np.ndarray:
    """Labels as a `Split` has them.

    Args:
        labels: `(N,)` or `(N, 1)` whole numbers.
        num_examples: N.

    Returns:
        `(N,)` int64.

    Raises:
        InputError: If they are something else.
    """
    numbers = _whole_numbers(labels)
    _check_labels(numbers, num_examples)
    return numbers


def _aligned(array):
    if array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous:
        return array
    buffer = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    aligned = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    aligned[...] = array
    return aligned


def _check_examples(examples, missing):
    if not isinstance(examples, np.ndarray) or examples.dtype not in (np.uint8, np.float32):
        received = getattr(examples, "dtype", type(examples).__name__)
        raise InputError(
            f"examples must be a uint8 or float32 array; use Split.from_arrays to convert. Received: {received}."
        )
    if examples.ndim < 2:
        raise InputError(
            "examples must have the shape (N, features) or (N, height, width, channels), or more axes. "
            f"Received: {examples.shape}."
        )
    if examples.size == 0:
        raise InputError(f"examples must hold at least one value. Received: shape {examples.shape}.")
    if examples.dtype == np.float32:
        _check_finite(examples, missing)


def _check_finite(examples, missing):
    for start in range(0, len(examples), _CHECK_ROWS):
        rows = examples[start : start + _CHECK_ROWS]
        good = ~np.isinf(rows) if missing else np.isfinite(rows)
        finite = good.reshape(len(rows), -1).all(axis=1)
        if not finite.all():
            index = start + int(np.argmin(finite))
            raise InputError(
                f"example {index} holds a NaN, an infinite value or one too large for float32: "
                "remove or repair such examples."
            )


def _check_labels(labels, num_examples):
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int64:
        received = getattr(labels, "dtype", type(labels).__name__)
        raise InputError(f"labels must be an int64 array; use Split.from_arrays to convert. Received: {received}.")
    if labels.shape != (num_examples,):
        raise InputError(
            f"labels must be one number an example, so of shape ({num_examples},). Received: {labels.shape}."
        )
    if labels.min() < 0:
        index = int(np.argmax(labels < 0))
        raise InputError(f"labels must be >= 0. Received: {labels[index]} for example {index}.")


def _whole_numbers(labels):
    labels = np.asarray(without_mask(labels))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "buif":
        raise InputError(f"labels must be whole numbers. Received: an array of dtype {labels.dtype}.")
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.floor(labels)).all()):
        raise InputError("labels must be whole numbers. Received: fractions, NaN or infinite values.")
    return labels.astype(np.int64)
