"""Split and Dataset: what they accept, convert and refuse."""

import numpy as np
import pytest

from tf_gmvae.data import Dataset, Split
from tf_gmvae.errors import InputError


def zeros(*shape, dtype="float32"):
    return np.zeros(shape, dtype)


def test_properties():
    split = Split(zeros(5, 4, 3, 1, dtype="uint8"), np.array([0, 1, 1, 4, 0]))
    assert (split.num_examples, split.data_shape, split.num_classes) == (5, (4, 3, 1), 3)
    assert Split(zeros(5, 2)).num_classes is None


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("uint8", "uint8"), *((dtype, "float32") for dtype in ("float32", "float64", "int16", "bool"))],
)
def test_from_arrays_converts(dtype, expected):
    split = Split.from_arrays(zeros(3, 4, 5, dtype=dtype), np.array([[1.0], [0.0], [2.0]]))
    assert split.examples.dtype == expected
    assert split.data_shape == (4, 5, 1)
    assert split.labels.dtype == np.int64
    assert split.labels.tolist() == [1, 0, 2]


def test_ids_stay_with_their_examples():
    assert Split.from_arrays(zeros(3, 2), ids=[7, 8, 9]).ids.tolist() == ["7", "8", "9"]
    assert Split(zeros(3, 2)).ids is None
    with pytest.raises(InputError, match=r"one an example.*\(3,\). Received: \(2,\)"):
        Split.from_arrays(zeros(3, 2), ids=["a", "b"])


@pytest.mark.parametrize("offset", [0, 1, 16])
def test_uint8_is_copied_only_where_it_does_not_begin_as_tensors_do(offset):
    buffer = np.arange(256, dtype="uint8")
    start = -buffer.ctypes.data % 64 + offset
    examples = buffer[start : start + 60].reshape(3, 4, 5, 1)
    kept = Split.from_arrays(examples).examples
    assert np.shares_memory(kept, examples) == (offset == 0)
    assert kept.ctypes.data % 64 == 0
    np.testing.assert_array_equal(kept, examples)


@pytest.mark.parametrize(
    ("examples", "labels", "message"),
    [
        (zeros(3, 2, dtype="float64"), None, "use Split.from_arrays to convert. Received: float64"),
        ([[1.0]], None, "use Split.from_arrays to convert. Received: list"),
        (zeros(3), None, r"shape \(N, features\) or .*Received: \(3,\)"),
        (zeros(0, 2), None, r"at least one value. Received: shape \(0, 2\)"),
        (zeros(3, 2), zeros(3), "int64 array; use Split.from_arrays.*Received: float32"),
        (zeros(3, 2), zeros(4, dtype="int64"), r"one number an example.*\(3,\). Received: \(4,\)"),
        (zeros(3, 2), np.array([0, 1, -1]), "labels must be >= 0. Received: -1 for example 2"),
    ],
)
def test_split_refuses(examples, labels, message):
    with pytest.raises(InputError, match=message):
        Split(examples, labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_example_that_is_not_finite_is_named(bad):
    examples = zeros(10_000, 3)
    examples[[7_001, 9_000], 2] = bad
    with pytest.raises(InputError, match=r"example 7001 holds a NaN, an infinite .*remove or repair"):
        Split(examples)


def test_what_is_missing_is_nan_and_never_infinite():
    assert Split(np.array([[np.nan, 1]], "float32"), missing=True).num_examples == 1
    with pytest.raises(InputError, match="example 1 holds a NaN, an infinite"):
        Split(np.array([[np.nan, 1], [0, -np.inf]], "float32"), missing=True)


@pytest.mark.parametrize(
    ("examples", "labels", "message"),
    [
        (zeros(2, 2, dtype="complex64"), None, "examples must be numbers. Received: .*complex64"),
        (np.array([["a"]]), None, "examples must be numbers. Received: .*<U1"),
        (np.array([[1e300]]), None, "example 0 .*too large for float32"),
        (np.ma.masked_equal([[1.0, 2.0], [3.0, -999.0]], -999.0), None, "example 1 holds a NaN"),
        (np.ma.masked_equal(np.arange(8, dtype="uint8").reshape(2, 4), 5), None, "example 1 holds a NaN"),
        (zeros(2, 2), np.ma.masked_equal([0, -1], -1), "labels must be whole numbers. Received: .*NaN"),
        (zeros(2, 2), np.array([0.0, 0.5]), "labels must be whole numbers. Received: fractions"),
        (zeros(2, 2), np.array([0.0, np.nan]), "labels must be whole numbers. Received: .*NaN"),
        (zeros(2, 2), np.array(["a", "b"]), "labels must be whole numbers. Received: .*<U1"),
    ],
)
def test_from_arrays_refuses(examples, labels, message):
    with pytest.raises(InputError, match=message):
        Split.from_arrays(examples, labels)


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (Split(zeros(2, 4)), r"of 'mine' must have one shape.*convert.*train \(3,\), test \(4,\)"),
        (Split(zeros(2, 3, dtype="uint8")), "of 'mine' must have one dtype.*train float32, test uint8"),
        (Split(zeros(2, 3), np.array([0, 2])), "test labels of 'mine' must be 0 to 1.*Received: 2 for example 1"),
    ],
)
def test_dataset_refuses(test, message):
    with pytest.raises(InputError, match=message):
        Dataset("mine", Split(zeros(2, 3)), test, ("a", "b"))
