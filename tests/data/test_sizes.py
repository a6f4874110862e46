"""What would not fit into the memory is refused by its headers, before it is unpacked."""

import gzip
import struct
import tracemalloc
import zipfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from tf_gmvae import InputError
from tf_gmvae.data import load, sizes
from tf_gmvae.data.idx import read_idx

MEMORY = 40_000_000


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: MEMORY)


def npz(folder):
    """21 MB of zeros in 21 kB."""
    np.savez_compressed(folder / "x.npz", x=np.zeros((2_700_000, 8), "uint8"))
    return folder / "x.npz"


def lying_npz(folder):
    """A header that promises 80 TB, over nothing."""
    header = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
    header += b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(folder / "lying.npz", "w") as file:
        file.writestr("x.npy", header)
    return folder / "lying.npz"


def npy(folder):
    with (folder / "x.npy").open("wb") as file:
        np.save(file, np.zeros((10, 8), "uint8"))
        file.truncate(21_000_000)  # a hole, which takes no place on the disk
    return folder / "x.npy"


def parquet(folder):
    """Three million times the same number, in a kilobyte."""
    table = pyarrow.table({name: np.zeros(3_000_000, "float32") for name in "ab"})
    pyarrow.parquet.write_table(table, folder / "x.parquet")
    return folder / "x.parquet"


def csv(folder):
    with (folder / "x.csv").open("w") as file:
        file.write("a,b\n1,2\n")
        file.truncate(21_000_000)
    return folder / "x.csv"


def pictures(folder):
    for number in range(4):
        path = folder / "photos" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((1400, 1400, 3), "uint8")).save(path)
    return folder / "photos"


@pytest.mark.parametrize("make", [npz, npy, parquet, csv, pictures])
def test_what_unpacks_to_more_than_half_of_the_memory_is_refused(tmp_path, make):
    path = make(tmp_path)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"unpacks to 0\.0 GB by its headers, more than the 0\.0 GB"):
        load(str(path), image_size=None)
    assert tracemalloc.get_traced_memory()[1] < MEMORY / 4
    tracemalloc.stop()


def test_a_header_that_promises_what_is_not_there_is_found_out(tmp_path):
    with pytest.raises(InputError, match="lying.npz"):
        load(str(lying_npz(tmp_path)))


def test_a_stream_without_an_end_is_not_unpacked(tmp_path):
    """As long as the header says, and no further: 300 MB of zeros follow in 1 MB."""
    path = tmp_path / "images.gz"
    header = b"\0\0\x08\x03" + np.array([2, 3, 3], ">u4").tobytes()
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + bytes(18))
        for _ in range(300):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(InputError, match="must be 34 bytes unpacked, .* but is longer"):
        read_idx(path, 3)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
    large = b"\0\0\x08\x03" + np.array([60_000, 28, 28], ">u4").tobytes()
    path.write_bytes(gzip.compress(large))
    with pytest.raises(InputError, match="unpacks to 0.0 GB by its headers"):
        read_idx(path, 3)


def test_what_fits_is_read(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", x=np.ones((1_000_000, 8), "uint8"))
    assert load(str(tmp_path / "x.npz")).train.num_examples == 1_000_000


def test_the_memory_is_that_of_this_machine(monkeypatch):
    monkeypatch.undo()
    assert 1e8 < sizes.memory() < 1e15
