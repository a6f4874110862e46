"""The user's own arrays in .npz files."""

import numpy as np
import pytest

from tf_gmvae.data import load
from tf_gmvae.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def load_saved(folder, **arrays):
    np.savez_compressed(folder / "own.npz", **arrays)
    return load(folder / "own.npz")


@pytest.mark.parametrize(("examples", "labels"), [("images", "labels"), ("x", "y"), ("x_train", "y_train")])
def test_each_pair_of_keys(tmp_path, examples, labels):
    dataset = load_saved(tmp_path, **{examples: PIXELS, labels: np.arange(6)})
    np.testing.assert_array_equal(dataset.train.examples[..., 0], PIXELS)
    assert dataset.train.examples.dtype == np.uint8
    assert dataset.train.labels.tolist() == list(range(6))
    assert dataset.test is None
    assert dataset.class_names is None
    assert load_saved(tmp_path, **{examples: PIXELS}).train.labels is None


@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 3, 1), (6, 4, 3, 3)])
def test_other_shapes_and_dtypes(tmp_path, shape):
    values = np.random.default_rng(0).normal(size=shape)
    train = load_saved(tmp_path, x=values).train
    np.testing.assert_array_equal(train.examples, values.astype("float32"))


def test_strings_become_numbers_and_names_over_both_splits(tmp_path):
    dataset = load_saved(
        tmp_path,
        x_train=PIXELS[:3], y_train=np.array(["owl", "cat", "owl"]),
        x_test=PIXELS[3:], y_test=np.array([b"elk", b"cat", b"owl"]),
    )  # fmt: skip
    assert dataset.class_names == ("cat", "elk", "owl")
    assert dataset.train.labels.tolist() == [2, 0, 2]
    assert dataset.test.labels.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": PIXELS, "y_trian": np.ones(6)}, "else: rename or drop.*Received: x_train, y_trian"),
        ({"data": PIXELS}, r"must hold x_train \[.*Received: data"),
        ({}, "Received: no array"),
        ({"x_train": PIXELS, "y_test": np.ones(6)}, "Received: x_train, y_test"),
        ({"x": PIXELS + 1j}, "array x: examples must be numbers. Received: .*complex128"),
        ({"x": PIXELS[0, 0]}, r"array x: examples must have the shape .*Received: \(3,\)"),
        ({"x": np.array([[0, np.nan]])}, "array x: example 0 holds a NaN.*remove or repair"),
        ({"x": PIXELS, "y": np.ones(5)}, r"array x: labels must be one number an example.*Received: \(5,\)"),
        (
            {"x": np.array([{}, None], object)},
            "array x: holds objects of Python.*again with np.savez, from plain numeric",
        ),
        (
            {"x_train": PIXELS, "y_train": np.ones(6), "x_test": PIXELS, "y_test": np.array(["a"] * 6)},
            "strings in one of y_train and y_test and numbers in the other: use one kind",
        ),
        ({"x_train": PIXELS, "x_test": PIXELS[:, :2]}, "must have one shape"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    with pytest.raises(InputError, match=rf"own.npz.*{message}"):
        load_saved(tmp_path, **arrays)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "is empty: download or write it again"),
        (lambda content: content[: len(content) // 2], "no .npz file, or is cut short: write it again"),
        (lambda content: content[:60] + b"\xff" * 20 + content[80:], r"a .npz file \(.*: write it again"),
        (lambda content: b"x,y\n1,2\n", "no .npz file, or is cut short: write it again with np.savez"),
    ],
)
def test_damaged_files(tmp_path, damage, message):
    load_saved(tmp_path, x=PIXELS)
    path = tmp_path / "own.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"own.npz.*{message}") as refused:
        load(path)
    assert "pickle" not in str(refused.value)


def test_a_single_array_under_the_name_of_a_npz_file(tmp_path):
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, PIXELS)
    with pytest.raises(InputError, match=r"own.npz holds a single array.*write it again with np.savez"):
        load(tmp_path / "own.npz")
