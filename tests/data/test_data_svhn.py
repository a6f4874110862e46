"""SVHN from .mat files, which the tests write with SciPy."""

import numpy as np
import pytest
from scipy.io import savemat

from tf_gmvae.data import load, svhn
from tf_gmvae.errors import InputError

RNG = np.random.default_rng(0)


def images(count):
    return RNG.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)


def write(folder, part, pixels, digits=None, **kwargs):
    digits = np.arange(pixels.shape[-1]) % 10 + 1 if digits is None else digits
    savemat(folder / f"{part}_32x32.mat", {"X": pixels, "y": digits.reshape(-1, 1)}, do_compression=True, **kwargs)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "train", images(12))
    write(tmp_path, "test", images(5))
    return tmp_path


def test_images_and_labels_come_back(tmp_path):
    train, test = images(23), images(4)
    write(tmp_path, "train", train)
    write(tmp_path, "test", test)
    dataset = load("svhn", tmp_path)
    assert dataset.train.examples.dtype == np.uint8
    assert dataset.train.examples.shape == (23, 32, 32, 3)
    for i in range(23):
        np.testing.assert_array_equal(dataset.train.examples[i], train[:, :, :, i])
    np.testing.assert_array_equal(dataset.test.examples[3], test[:, :, :, 3])
    assert dataset.train.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_extra_follows_train(folder, monkeypatch):
    monkeypatch.setattr(svhn, "_CHUNK", 7)  # so that the copying crosses chunks
    train_only, extra = load("svhn", folder).train, images(20)
    write(folder, "extra", extra, np.full(20, 10))
    both = load("svhn", folder).train
    np.testing.assert_array_equal(both.examples[:12], train_only.examples)
    np.testing.assert_array_equal(both.examples[12:], extra.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(both.labels, [*train_only.labels, *[0] * 20])


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_missing_file_is_named(folder, part):
    (folder / f"{part}_32x32.mat").unlink()
    with pytest.raises(InputError, match=rf"{folder} lacks {part}_32x32.mat: put the missing"):
        load("svhn", folder)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": images(3), "y": np.zeros((3, 1))}, "from 1 to 10, but has 0.* for image 0: download it again"),
        ({"X": images(3), "y": np.array([1, 2, 11])}, "from 1 to 10, but has 11 for image 2: download it again"),
        ({"X": images(3), "y": np.ones((2, 1))}, "holds 3 images but 2 labels: download it again"),
        ({"X": images(3)}, r"must hold the arrays X and y, but holds X: .*\(format 2\) again"),
        ({"digitStruct": np.ones(2)}, "must hold the arrays X and y, but holds digitStruct: .*again"),
        ({"X": images(3) / 255, "y": np.ones(3)}, r"X as uint8 .* but holds double of shape \(32, 32, 3, 3\)"),
        ({"X": images(3)[:28], "y": np.ones(3)}, r"but holds uint8 of shape \(28, 32, 3, 3\)"),
    ],
)
def test_wrong_contents(folder, arrays, message):
    savemat(folder / "train_32x32.mat", arrays)
    with pytest.raises(InputError, match=rf"train_32x32.mat.*{message}"):
        load("svhn", folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "is empty: download"),
        (lambda content: content[:-100], r"cut short or another file, so download .* again"),
        (lambda content: content[: len(content) // 2], "cut short or another file, so download .* again"),
        (lambda content: content[:100], r"\(.*: download it again"),
        (lambda content: b"<!DOCTYPE html>" * 40, r"\(.*: download it again"),
        (lambda content: content[:2000] + b"\0" * 300 + content[2300:], r"\(.*: download it again"),
    ],
)
def test_damaged_files(folder, damage, message):
    path = folder / "test_32x32.mat"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"test_32x32.mat.*{message}"):
        load("svhn", folder)


def test_a_folder_in_place_of_a_file(folder):
    (folder / "extra_32x32.mat").mkdir()
    with pytest.raises(InputError, match=r"extra_32x32.mat is a folder, where a file is expected"):
        load("svhn", folder)
