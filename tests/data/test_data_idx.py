"""MNIST and Fashion-MNIST from IDX files, which the tests write byte by byte."""

import gzip
import struct

import numpy as np
import pytest

from tf_gmvae.data import load
from tf_gmvae.data.idx import read_idx
from tf_gmvae.errors import InputError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
RNG = np.random.default_rng(0)
ARRAYS = {
    name: RNG.integers(0, 256, (size, 28, 28), dtype=np.uint8) if "images" in name else np.arange(size) % 10
    for name, size in zip(NAMES, (30, 30, 12, 12), strict=True)
}


def idx_bytes(array):
    array = np.asarray(array, np.uint8)
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_all(folder, zipped=False, rename=str):
    for name, array in ARRAYS.items():
        content = idx_bytes(array)
        path = folder / (rename(name) + (".gz" if zipped else ""))
        path.write_bytes(gzip.compress(content) if zipped else content)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("rename", [str, lambda name: name.replace("-idx", ".idx")])
@pytest.mark.parametrize(("name", "nine"), [("mnist", "9"), ("fashion_mnist", "Ankle boot")])
def test_files_come_back_byte_for_byte(tmp_path, zipped, rename, name, nine):
    write_all(tmp_path, zipped, rename)
    dataset = load(name, tmp_path)
    for split, part in ((dataset.train, "train"), (dataset.test, "t10k")):
        np.testing.assert_array_equal(split.examples[..., 0], ARRAYS[f"{part}-images-idx3-ubyte"])
        np.testing.assert_array_equal(split.labels, ARRAYS[f"{part}-labels-idx1-ubyte"])
        assert split.examples.dtype == np.uint8
    assert dataset.name == name
    assert dataset.class_names[9] == nine


def test_a_file_may_be_unpacked_beside_packed_ones_and_be_named_wrongly(tmp_path):
    write_all(tmp_path, zipped=True)
    (tmp_path / f"{NAMES[0]}.gz").write_bytes(idx_bytes(ARRAYS[NAMES[0]]))  # a browser unpacked it
    assert load("mnist", tmp_path).train.num_examples == 30


def test_missing_files_are_named(tmp_path):
    write_all(tmp_path, zipped=True)
    (tmp_path / f"{NAMES[1]}.gz").unlink()
    (tmp_path / f"{NAMES[2]}.gz").unlink()
    message = rf"{tmp_path} lacks {NAMES[1]}, {NAMES[2]} .*put the missing files beside the others"
    with pytest.raises(InputError, match=message):
        load("mnist", tmp_path)


def test_images_without_their_labels(tmp_path):
    write_all(tmp_path)
    (tmp_path / NAMES[1]).write_bytes(idx_bytes(np.zeros(29)))
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte holds 30 .* 29 labels.*download both"):
        load("mnist", tmp_path)


def test_a_label_out_of_range(tmp_path):
    write_all(tmp_path)
    (tmp_path / NAMES[3]).write_bytes(idx_bytes(np.full(12, 10)))
    with pytest.raises(InputError, match=r"the test labels of 'mnist' must be 0 to 9.*Received: 10 for example 0"):
        load("mnist", tmp_path)


GOOD = idx_bytes(ARRAYS[NAMES[0]])
PACKED = gzip.compress(GOOD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: download or write it again"),
        (GOOD[:-1], r"must be 23536 bytes unpacked, .*\(30, 28, 28\), but is 23535: download it again"),
        (GOOD + b"\0", "must be 23536 bytes .* but is longer: download it again"),
        (GOOD[:9], "is not an IDX file .*00 00 08 03.*: download it again"),
        (b"<html>not found</html>", "is not an IDX file .*3c 68 74 6d.*: download it again"),
        (b"\0\0\x0d\x03" + GOOD[4:], "dtype code 0x0d .*files were not mixed up, or download it again"),
        (idx_bytes(np.zeros(30)), r"in 3 dimension\(s\), but has .* 1 dimension.*not mixed up"),
        (
            b"\0\0\x08\x03" + b"\xff" * 12,
            "unpacks to 79,228,162,458.* GB by its headers.*Download it again",
        ),
        (PACKED[:-20], r"is damaged or not an IDX file \(.*: download it again"),
        (PACKED[:200] + b"\0" * 50 + PACKED[250:], r"an IDX file \(.*: download it again"),
        (PACKED[:3], "an IDX file .*: download it again"),
    ],
)
def test_damaged_files(tmp_path, content, message):
    (tmp_path / "file.gz").write_bytes(content)
    with pytest.raises(InputError, match=rf"file.gz.*{message}"):
        read_idx(tmp_path / "file.gz", 3)


def test_a_folder_and_nothing_in_place_of_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder is a folder, where a file is expected"):
        read_idx(tmp_path / "folder", 3)
    with pytest.raises(InputError, match="nothing does not exist: check the path"):
        read_idx(tmp_path / "nothing", 3)
    with pytest.raises(InputError, match=r"cannot be opened \(.*: check the path"):
        read_idx("x" * 5000, 3)
