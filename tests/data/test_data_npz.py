"""The user's own arrays in .npz files."""

import zipfile

import numpy as np
import pytest

from tf_gmvae.data import load
from tf_gmvae.errors import InputError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)


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
        (
            {"x": np.array([[0, np.nan]])},
            "array x: example 0 holds a NaN.*remove or repair .*, or give .* as a CSV",
        ),
        ({"x": PIXELS, "y": np.ones(5)}, r"array y: labels must be one number an example.*Received: \(5,\)"),
        (
            {"x": np.array([{}, None], object)},
            "array x: holds objects of Python.*savez, from plain numeric arrays, and series cut or resampled",
        ),
        ({"x": PIXELS, "y": np.array(["a"] * 6, object)}, r"array y: holds objects of .*, from y.astype\(str\)"),
        ({"format": b"csr", "shape": [2, 2], "data": [1.0]}, "a sparse matrix of SciPy: write it .* a dense one"),
        (
            {"x_train": PIXELS, "y_train": np.ones(6), "x_test": PIXELS, "y_test": -np.ones(6)},
            "array y_test: labels must be >= 0",
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


def test_what_is_no_array_in_the_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("x", b"no array")
    with pytest.raises(InputError, match=r"own.npz, array x: examples must be numbers"):
        load(tmp_path / "own.npz")


def test_a_single_array_under_the_name_of_a_npz_file(tmp_path):
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, PIXELS)
    with pytest.raises(InputError, match=r"own.npz holds a single array.*write it again with np.savez"):
        load(tmp_path / "own.npz")


def test_a_single_array_is_examples(tmp_path):
    images = RNG.integers(0, 256, (5, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "a.npy", images)
    dataset = load(tmp_path / "a.npy")
    np.testing.assert_array_equal(dataset.train.examples, images[..., None])
    assert (dataset.train.labels, dataset.test) == (None, None)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("1,2"), "a.npy is no .npy file: write it again with np.save"),
        (lambda path: np.save(path, np.array([None])), "a.npy: holds objects of Python, not numbers"),
        (lambda path: np.save(path, np.zeros(3)), "a.npy: examples must have the shape"),
        (
            lambda path: (np.save(path, np.zeros(99)), path.write_bytes(path.read_bytes()[:200])),
            "a.npy is damaged",
        ),
    ],
)
def test_single_arrays_that_do_not_fit(tmp_path, write, message):
    write(tmp_path / "a.npy")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "a.npy")


def test_series_keep_their_shape(tmp_path):
    values = RNG.normal(size=(6, 20, 3)).astype("float32")
    np.savez(tmp_path / "a.npz", x_train=values, x_test=values[:2])
    dataset = load(tmp_path / "a.npz", series=True)
    np.testing.assert_array_equal(dataset.test.examples, values[:2])
    np.save(tmp_path / "b.npy", values[..., 0])
    assert load(tmp_path / "b.npy").train.data_shape == (20,)
    assert load(tmp_path / "b.npy", series=True).train.data_shape == (20, 1)
    np.save(tmp_path / "c.npy", values[..., None])
    with pytest.raises(InputError, match=r"c.npy: series are .* its shape is \(6, 20, 3, 1\): reshape it"):
        load(tmp_path / "c.npy", series=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_are_resized_where_they_have_to_be(tmp_path, caplog, dtype):
    caplog.set_level("INFO", logger="tf_gmvae")
    images = np.full((4, 33, 35, 2), 7, dtype)
    images[:, :, 18:] = 200
    np.savez(tmp_path / "a.npz", x_train=images, x_test=images[:1])
    assert load(tmp_path / "a.npz").train.data_shape == (33, 35, 2)
    dataset = load(tmp_path / "a.npz", image_size="auto")
    assert dataset.image_size == 32 and dataset.test.data_shape == (32, 32, 2)
    assert dataset.train.examples.dtype == dtype
    assert (dataset.train.examples[:, :, :14] == 7).all() and (dataset.train.examples[:, :, 19:] == 200).all()
    assert "images of 35 x 33 pixels are resized to 32 x 32" in caplog.text
    assert load(tmp_path / "a.npz", image_size=9).train.data_shape == (9, 9, 2)


@pytest.mark.parametrize("shape", [(6, 30, 3), (6, 5), (6, 28, 28), (6, 2, 3, 4, 5)])
def test_what_is_no_image_or_needs_no_size_is_left_as_it_is(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, "float32"))
    dataset = load(tmp_path / "a.npy", image_size="auto")
    assert dataset.image_size is None and dataset.train.examples.shape[: len(shape)] == shape
    if len(shape) not in (3, 4):
        with pytest.raises(InputError, match=r"image_size applies to images .*: leave it out"):
            load(tmp_path / "a.npy", image_size=8)


@pytest.mark.parametrize("coded", [b"caf\xc3\xa9", b"caf\xe9"])
def test_labels_of_bytes_are_texts(tmp_path, coded):
    np.savez(tmp_path / "x.npz", x=np.arange(6.0).reshape(3, 2), y=np.array([coded, b"bar", coded]))
    found = load(tmp_path / "x.npz")
    assert found.class_names == ("bar", "café") and found.train.labels.tolist() == [1, 0, 1]
