"""What users feed to the model: its forms, its scale, and checks of shapes when traced, of values when they run.

Every entry point takes the same forms by `readable`, and `on_model_scale` alone decides what scale they are on.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae.checks import check_shape, ragged, several_arrays, without_long_doubles, without_objects
from tf_gmvae.data import described
from tf_gmvae.data.frames import as_table, is_frame, without_mask
from tf_gmvae.data.pipeline import array_batches, to_batches
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import Split
from tf_gmvae.data.table import known_columns
from tf_gmvae.errors import MARK, InputError
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.describing import check_no_kinds
from tf_gmvae.values import check_values

if TYPE_CHECKING:
    from tf_gmvae.likelihoods import Likelihood


# Examples of shards that are read at a time.
_SHARDED_BATCH = 256
# Whatever `readable` reads.
Data: TypeAlias = ArrayLike | Split | tf.data.Dataset | keras.utils.PyDataset | Iterable[Any]

# How a batch that a data set yields becomes a dense one.
_DENSE = {tf.RaggedTensorSpec: "batch.to_tensor()", tf.SparseTensorSpec: "tf.sparse.to_dense(batch)"}

_FRAMED = re.compile(rf"{MARK}(.*?)\]\n", re.DOTALL)


def readable(
    data: Any, likelihood: Likelihood | None = None, *, batch_size: int | None = None, name: str = "GMVAE"
) -> Any:
    """The user's data in a form that the model reads.

    Args:
        data: array (N, ...), tensor, DataFrame, nested lists of numbers, `data.Split`, `tf.data.Dataset`,
            `keras.utils.PyDataset`, or whatever else Keras takes. Of a DataFrame a model of tables takes the
            columns that it knows, by their names; a category that it does not know counts as missing, with a
            warning.
        likelihood: the model's. Default None: there is no model yet.
        batch_size: integer, examples of shards that are read at a time. Default None: 256.
        name: text, what messages call the model. Default "GMVAE".

    Returns:
        NumPy array of numbers, N >= 1, for what is held in memory; anything else as it is.

    Raises:
        InputError: if there is no example, or it is no array of numbers.
    """
    if isinstance(data, ShardedSplit):
        return to_batches(data, batch_size or _SHARDED_BATCH)
    if isinstance(data, Split):
        return data.examples
    if is_frame(data) and likelihood is not None and hasattr(likelihood, "columns"):
        return _known_rows(data, likelihood.columns)
    if isinstance(data, tf.data.Dataset):
        cardinality = int(data.cardinality())
        if cardinality == 0:
            raise no_example()
        of_batch = data.element_spec[0] if isinstance(data.element_spec, tuple) else data.element_spec
        if isinstance(of_batch, dict | tuple):
            raise several_arrays(of_batch, name)
        if type(of_batch) in _DENSE:
            raise InputError(
                f"{name} takes dense arrays. Received: a data set of {of_batch.value_type.__name__}s. Pass "
                f"data.map(lambda batch: {_DENSE[type(of_batch)]})."
            )
        return data
    if hasattr(data, "__next__"):  # Keras wants tuples of a generator
        return (batch if isinstance(batch, tuple) else (batch,) for batch in data)
    if isinstance(data, dict) or (isinstance(data, list | tuple) and any(_is_array(part) for part in data)):
        raise several_arrays(data, name)
    if hasattr(data, "toarray") or isinstance(data, tf.SparseTensor):
        dense = "data.toarray()" if hasattr(data, "toarray") else "tf.sparse.to_dense(data)"
        raise InputError(f"{name} takes dense arrays. Received: {type(data).__name__}. Pass {dense}.")
    if isinstance(data, list | tuple):
        try:
            data = np.asarray(data)
        except ValueError:
            raise ragged() from None
    return _checked_array(data.numpy() if tf.is_tensor(data) else data)


def columns_of(table: Any, kinds: Mapping[str, str] | None = None) -> Columns:
    """What the columns of a table hold that a model is to be made for.

    Args:
        table: DataFrame of pandas or polars, `pyarrow.Table`, or array (N, F), NaN where a value is missing.
        kinds: see `tables.describing.describe`. Default None.

    Returns:
        `Columns`.

    Raises:
        InputError: if the table has no column to find clusters in, or `kinds` go with an array.
    """
    if is_frame(table):
        return described.of_frame(table, kinds)[0]
    check_no_kinds(kinds)
    if isinstance(table, list | tuple) or (isinstance(table, np.ndarray) and table.dtype.kind == "O"):
        table = _as_floats(table)
    rows = readable(table)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2:
        shape = f"an array of shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise InputError(f"A table is a DataFrame, or an array (N, F) of numbers. Received: {shape}.")
    return described.of_array(np.asarray(rows))


def _as_floats(rows):
    """Rows in which None may stand for a missing value."""
    try:
        return np.asarray(rows, "float64")
    except (TypeError, ValueError):
        return np.asarray(rows) if isinstance(rows, np.ndarray) else rows  # which is then named


def _known_rows(frame, columns):
    """The rows of a table for a model that was trained on others, as numbers."""
    table = known_columns(functools.partial(as_table, frame, "the table"), columns)
    rows = columns.numbers(table)
    for name, unseen in columns.unseen(table, rows).items():
        described.tell_unseen("the table", name, unseen, table[name])
    return rows


def _checked_array(data):
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    data = without_mask(data)
    if isinstance(data, np.ndarray):
        data = without_long_doubles(without_objects(data))
        if data.dtype == tf.bfloat16.as_numpy_dtype:  # which NumPy itself does not take for numbers
            data = data.astype("float32")
        if data.dtype.kind not in "buif":
            raise InputError(f"Examples must be numbers. Received: an array of dtype {data.dtype}.")
        if data.size == 0 or data.ndim == 0:
            raise no_example()
    return data


def _is_array(part):
    return (hasattr(part, "shape") or hasattr(part, "to_numpy")) and np.ndim(part) > 0


def no_example() -> InputError:
    """The `InputError` of data that hold nothing."""
    return InputError("There is no example: the data are empty.")


def no_weights(name: str) -> InputError:
    """The `InputError` of weights of examples or classes.

    Args:
        name: text, name of the argument.
    """
    return InputError(f"GMVAE does not weigh examples: drop {name}.")


def without_weights(batch: Any) -> tuple[Any, Any]:
    """Pair of the examples and the labels of a batch, which may be None.

    Args:
        batch: what a data set yields, examples or (examples, labels).

    Raises:
        InputError: if weights stand beside them.
    """
    examples, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
    if weights is not None:
        raise no_weights("sample_weight")
    return examples, labels


def batches(data: Any, batch_size: int | None) -> Iterator[Any]:
    """Batches of data in their order.

    Args:
        data: what `readable` returned.
        batch_size: examples at a time, where `data` is an array; None takes all at once.

    Yields:
        Batches, as they are stored or as the data set yields them.

    Raises:
        InputError: if the data set has no end, or `data` is nothing that yields batches.
    """
    check_ends(data)
    if isinstance(data, np.ndarray):
        data = array_batches(data, batch_size or len(data))
    elif isinstance(data, keras.utils.PyDataset):
        data = map(data.__getitem__, range(data.num_batches))
    elif not hasattr(data, "__iter__"):
        raise InputError(
            f"GMVAE takes an array, a Split, a tf.data.Dataset or a keras.utils.PyDataset. Received: {type(data)}"
        )
    yield from data


def check_ends(data: Any, steps: int | None = None) -> None:
    """Refuses data that would be read for ever.

    Args:
        data: what `readable` returned.
        steps: integer, batches after which reading ends. Default None: it ends with the data.

    Raises:
        InputError: if neither they nor the steps have an end.
    """
    if steps is not None:
        return
    if isinstance(data, keras.utils.PyDataset) and data.num_batches is None:
        raise InputError("The PyDataset has no end: let its __len__ return the number of its batches.")
    if isinstance(data, tf.data.Dataset) and int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise InputError("The data set has no end: pass one of one pass, without repeat(), or data.take(steps).")


def on_model_scale(values: tf.Tensor, likelihood: Likelihood) -> tf.Tensor:
    """Values as the model sees them: of all that reaches it by any entry point, this alone decides the scale.

    Args:
        values: tensor of numbers.
        likelihood: a `Likelihood`.

    Returns:
        Float32 tensor: uint8 divided by the `uint8_scale` of the likelihood (shades become values of [0, 1],
        counts stay), every other type as it is.
    """
    floats = tf.cast(values, "float32")
    return (
        floats / likelihood.uint8_scale if values.dtype == tf.uint8 and likelihood.uint8_scale != 1.0 else floats
    )


def check_data(data: Any, model: keras.Model) -> None:
    """Checks what can be known of data before the first step, and builds a model that waited for their shape.

    With it its optimizer is built, whose state is part of the files.

    Args:
        data: what `readable` returned: an array, which is checked whole, a `tf.data.Dataset`, of which the shape
            is checked, or anything else Keras takes, which is left to the first step.
        model: `GMVAE`.

    Raises:
        InputError: if shape or values do not fit the model.
    """
    shape = _shape(data)
    if not model.built and shape is not None:
        model.build(shape)
    if not model.built:
        return
    model._build_optimizer()
    if isinstance(data, np.ndarray):
        check_shape(data.shape, model.data_shape)
        check_values(data, model.likelihood)
    elif shape is not None:
        check_shape(shape, model.data_shape)


def _shape(data):
    """Shape (B, ...) of a batch, or None where it is not known before the data are read."""
    if isinstance(data, np.ndarray):
        return data.shape
    if isinstance(data, tf.data.Dataset):
        shape = keras.tree.flatten(data.element_spec)[0].shape
        return None if shape.rank is None else tuple(shape)
    if isinstance(data, keras.utils.PyDataset) and data.num_batches:
        return np.shape(keras.utils.unpack_x_y_sample_weight(data[0])[0])
    return None


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turns a failed `with_value_checks` into an `InputError` of one sentence."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        framed = _FRAMED.search(str(error))
        if framed is None:
            raise
        raise InputError(framed.group(1)) from None
