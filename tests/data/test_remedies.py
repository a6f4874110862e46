"""The mend that a refused data set is told: each is followed, and works."""

import gzip
import shutil
import struct

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import tf_gmvae
from tf_gmvae import presets
from tf_gmvae.data import load
from tf_gmvae.errors import InputError, in_short

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
LABELS = np.arange(6) % 3


def npz(path, **arrays):
    np.savez(path, **arrays)


def picture(path, size=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size, size), np.uint8)).save(path)


def idx(folder, *names, count=6):
    for name in names:
        shape = (count, 8, 8) if "images" in name else (count,)
        content = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(int(np.prod(shape)))
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(content))


IDX = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def svhn(folder, *names, label=10):
    for name in names:
        savemat(
            folder / f"{name}_32x32.mat", {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.full((4, 1), label)}
        )


# What is wrong, a part of the sentence, and how that is mended.
NPZ = {
    "a text": (
        lambda at: (at / "a.npz").write_text("1,2"), "is no .npz file", lambda at: npz(at / "a.npz", x=PIXELS),
    ),
    "cut short": (
        lambda at: (npz(at / "b.npz", x=PIXELS), (at / "a.npz").write_bytes((at / "b.npz").read_bytes()[:99])),
        "is cut short", lambda at: npz(at / "a.npz", x=PIXELS),
    ),
    "one array": (
        lambda at: np.save((at / "a.npz").open("wb"), PIXELS), "write it again with np.savez",
        lambda at: npz(at / "a.npz", x=np.load(at / "a.npz")),
    ),
    "objects": (
        lambda at: npz(at / "a.npz", x=np.array([[1], [None]], object)), "from plain numeric arrays",
        lambda at: npz(at / "a.npz", x=np.array([[1.0], [0.0]])),
    ),
    "other names": (
        lambda at: npz(at / "a.npz", x=PIXELS, y_trian=LABELS), "rename or drop arrays",
        lambda at: npz(at / "a.npz", x=PIXELS, y=LABELS),
    ),
    "two kinds of labels": (
        lambda at: npz(at / "a.npz", x_train=PIXELS, y_train=LABELS, x_test=PIXELS, y_test=np.array(["a"] * 6)),
        "use one kind", lambda at: npz(at / "a.npz", x_train=PIXELS, y_train=LABELS, x_test=PIXELS, y_test=LABELS),
    ),
    "NaN": (
        lambda at: npz(at / "a.npz", x=np.array([[np.nan], [1]])), "remove or repair",
        lambda at: npz(at / "a.npz", x=np.array([[0.0], [1]])),
    ),
    "empty": (lambda at: (at / "a.npz").touch(), "write it again", lambda at: npz(at / "a.npz", x=PIXELS)),
    "not there": (lambda at: None, "check the path", lambda at: npz(at / "a.npz", x=PIXELS)),
}  # fmt: skip
FOLDERS = {
    "beside the parts": (
        lambda at: [picture(at / path) for path in ("a.png", "train/b.png", "test/c.png")], "into one of these",
        lambda at: shutil.move(at / "a.png", at / "train"),
    ),
    "no images": (lambda at: None, "check the path", lambda at: picture(at / "a.png")),
    "broken": (
        lambda at: (picture(at / "a.png"), (at / "b.png").write_text("no")), "remove or replace",
        lambda at: (at / "b.png").unlink(),
    ),
}  # fmt: skip
FILES = {
    ("mnist", "missing"): (lambda at: idx(at, *IDX[:3]), "put the missing", lambda at: idx(at, IDX[3])),
    ("mnist", "cut"): (
        lambda at: (idx(at, *IDX), (at / f"{IDX[0]}-ubyte.gz").write_bytes(b"\x1f\x8bcut")), "download it again",
        lambda at: idx(at, IDX[0]),
    ),
    ("fashion_mnist", "of two sets"): (
        lambda at: (idx(at, *IDX), idx(at, IDX[1], count=5)), "download both again", lambda at: idx(at, *IDX),
    ),
    ("fashion_mnist", "mixed up"): (
        lambda at: (idx(at, *IDX), shutil.copy(at / f"{IDX[0]}-ubyte.gz", at / f"{IDX[1]}-ubyte.gz")),
        "check that files were not mixed up", lambda at: idx(at, IDX[1]),
    ),
    ("svhn", "missing"): (lambda at: svhn(at, "train"), "put the missing", lambda at: svhn(at, "test")),
    ("svhn", "labels"): (
        lambda at: svhn(at, "train", "test", label=11), "again", lambda at: svhn(at, "train", "test"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "sentence", "mend", "name"),
    [
        *((*case, "a.npz") for case in NPZ.values()),
        *((*case, "") for case in FOLDERS.values()),
        *((*case, key[0]) for key, case in FILES.items()),
    ],
    ids=[*NPZ, *FOLDERS, *map("-".join, FILES)],
)
def test_the_mend_works(spoil, sentence, mend, name, tmp_path):
    arguments = (name, tmp_path) if name in ("mnist", "fashion_mnist", "svhn") else (tmp_path / name,)
    spoil(tmp_path)
    with pytest.raises(InputError, match=sentence):
        load(*arguments)
    mend(tmp_path)
    assert load(*arguments).train.num_examples


def test_options_that_are_named_as_the_mend_are_taken(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no")
    with pytest.raises(InputError, match="with --skip_broken"):
        load(tmp_path)
    assert load(tmp_path, skip_broken=True).train.data_shape == (8, 8, 1)
    for options in ({"image_size": 9}, {"channels": 1}):
        with pytest.raises(InputError, match="leave it out"):
            load("digits", **options)
    assert load("digits").train.num_examples
    (tmp_path / "idx").mkdir()
    idx(tmp_path / "idx", *IDX)
    file = tmp_path / "idx" / f"{IDX[0]}-ubyte.gz"
    with pytest.raises(InputError, match="give the folder that it is in"):
        load("mnist", file)
    assert load("mnist", file.parent).train.num_examples == 6


@pytest.mark.parametrize("size", [(27, 27), (5, 5), (6, 9), (31, 40)])
def test_images_that_no_preset_takes_are_padded_as_told(size):
    with pytest.raises(InputError, match="resize or pad images to an even height and width of at least 6"):
        presets.for_shape((*size, 1))
    padded = tuple(max(6, side + side % 2) for side in size)
    preset = presets.for_shape((*padded, 1))
    assert tf_gmvae.GMVAE.from_preset(preset.name, data_shape=(*padded, 1), num_components=2).built


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("\n  Expected 3 columns, got 2.\nmore"), "Expected 3 columns, got 2"),
        (ValueError(" \n"), "ValueError"),
        (OSError(), "OSError"),
        ("of a text", "of a text"),
        (KeyError("é" * 500), "'" + "é" * 159),
    ],
)
def test_what_other_packages_say_is_told_in_one_short_line(error, expected):
    assert in_short(error) == expected
