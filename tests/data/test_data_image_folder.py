"""Folders of pictures, which the tests write with Pillow."""

import logging
import os
import re

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from support.rights import of_a_user

from tf_gmvae.data import image_tree, load
from tf_gmvae.data.streams import opening
from tf_gmvae.errors import InputError

RNG = np.random.default_rng(0)


def save(path, pixels=None, size=(6, 4), **kwargs):
    """Writes a picture of `size` (width, height) and returns its pixels."""
    if pixels is None:
        pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **kwargs)
    return np.asarray(pixels)


def test_flat_folders_come_back_in_the_order_of_names(tmp_path):
    pixels = {name: save(tmp_path / name) for name in ("b.png", "a.PNG", "c.bmp")}
    save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not an image")
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.train.examples, [pixels[name] for name in ("a.PNG", "b.png", "c.bmp")])
    assert dataset.train.examples.dtype == np.uint8
    assert (dataset.train.labels, dataset.test, dataset.class_names) == (None, None, None)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "gif", "webp", "tif", "tiff"])
def test_other_formats(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", np.full((16, 16, 3), 200, np.uint8))
    examples = load(tmp_path, channels=3).train.examples
    assert examples.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(examples, 200, atol=3)


def test_sub_folders_are_classes(tmp_path):
    for name, count in (("dog", 1), ("cat", 2), (".git", 1)):
        for i in range(count):
            save(tmp_path / name / f"{i}.png")
    (tmp_path / "empty").mkdir()
    dataset = load(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.labels.tolist() == [0, 0, 1]


def test_names_that_are_not_utf_8_become_text(tmp_path):
    for name in (b"Gr\xfcn/\xff1.png", b"Gr\xfcn/2.png", b"rot/3.png"):
        save(tmp_path / os.fsdecode(name))
    (tmp_path / os.fsdecode(b"rot/\xe9.png")).write_bytes(b"none")
    found = load(tmp_path, skip_broken=True)
    assert found.class_names == (r"Gr\xfcn", "rot") and found.skipped == (r"rot/\xe9.png",)
    assert sorted(found.train.ids) == [r"Gr\xfcn/2.png", r"Gr\xfcn/\xff1.png", "rot/3.png"]


def test_train_and_test_folders_are_splits_with_one_numbering(tmp_path, caplog):
    for path in ("train/cat/1.png", "train/elk/1.png", "test/elk/2.png", "test/owl/2.png", "other/x.png"):
        save(tmp_path / path)
    with caplog.at_level(logging.INFO):
        dataset = load(tmp_path)
    assert f"{tmp_path}: train and test are read; what lies beside them is left out: other." in caplog.messages
    assert dataset.class_names == ("cat", "elk", "owl")
    assert dataset.train.labels.tolist() == [0, 1]
    assert dataset.test.labels.tolist() == [1, 2]
    assert dataset.train.ids.tolist() == ["train/cat/1.png", "train/elk/1.png"]
    assert dataset.test.ids.tolist() == ["test/elk/2.png", "test/owl/2.png"]


def test_many_images_keep_their_places(tmp_path, monkeypatch):
    monkeypatch.setattr(image_tree, "_BLOCK", 4)
    for i in range(11):
        save(tmp_path / f"{i:02}.png", np.full((2, 2), i, np.uint8))
    assert load(tmp_path).train.examples[:, 0, 0, 0].tolist() == list(range(11))


@pytest.mark.parametrize(
    ("mode", "channels", "expected"),
    [("L", None, 1), ("1", None, 1), ("LA", None, 1), ("RGB", None, 3), ("RGBA", None, 3), ("P", None, 3),
     ("RGB", 1, 1), ("L", 3, 3)],
)  # fmt: skip
def test_channels(tmp_path, mode, channels, expected):
    image = Image.new("RGB", (5, 3), (250, 250, 250)).convert(mode)
    save(tmp_path / "a.png", image)
    examples = load(tmp_path, channels=channels).train.examples
    assert examples.shape == (1, 3, 5, expected)
    assert (examples >= 250).all()


def test_lightness_and_colours_become_grey(tmp_path):
    save(tmp_path / "a.png", np.full((2, 2), 255, np.uint8))
    save(tmp_path / "b.tif", Image.merge("LAB", [Image.new("L", (2, 2), value) for value in (255, 128, 128)]))
    examples = load(tmp_path).train.examples
    assert examples.shape == (2, 2, 2, 1) and (examples >= 250).all()


def test_transparency_is_dropped(tmp_path):
    save(tmp_path / "a.png", np.full((2, 2, 4), (10, 20, 30, 0), np.uint8))
    assert load(tmp_path).train.examples[0, 0, 0].tolist() == [10, 20, 30]


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 257, 32896, 65535]], np.uint16))
    assert load(tmp_path).train.examples.ravel().tolist() == [0, 1, 128, 255]


def test_pictures_of_fractions_are_refused(tmp_path):
    Image.fromarray(np.random.default_rng(0).random((8, 8), "float32")).save(tmp_path / "a.tiff")
    with pytest.raises(InputError, match="a.tiff cannot be read"):
        load(tmp_path)


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    save(tmp_path / "a.jpg", size=(6, 4), exif=exif)
    assert load(tmp_path).train.data_shape == (6, 4, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_on_its_side_is_read_as_one_that_stands(mode, compression, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = RNG.integers(0, 256, (9, 6, 3) if mode == "RGB" else (9, 6), dtype=np.uint8)
    stored = np.rot90(upright)
    stored = stored.astype("uint16") * 257 if mode == "I;16" else stored
    for name in "ab":
        Image.fromarray(stored).save(tmp_path / f"{name}.tif", exif=exif, compression=compression)
    expected = upright if mode == "RGB" else upright[..., None]
    for image_size in (None, "auto"):
        dataset = load(tmp_path, image_size=image_size)
        assert dataset.image_size == (None if image_size is None else 8)
        assert image_size or (dataset.train.examples == expected).all()


def test_image_size_resizes_to_squares(tmp_path):
    save(tmp_path / "a.png", np.full((4, 8, 3), 77, np.uint8))
    save(tmp_path / "b.png", np.full((9, 3, 3), 99, np.uint8))
    examples = load(tmp_path, image_size=5).train.examples
    assert examples.shape == (2, 5, 5, 3)
    assert (examples[0] == 77).all()
    assert (examples[1] == 99).all()


@pytest.mark.parametrize(
    ("sizes", "image_size", "side"),
    [
        ([(6, 4)], None, None),
        ([(6, 4)], "auto", 8),
        ([(33, 33)], None, None),
        ([(33, 33)], "auto", 32),
        ([(28, 30)], "auto", None),
        ([(96, 96)], "auto", None),
        ([(98, 98)], "auto", 64),
        ([(20, 50), (60, 22), (300, 25)], None, 24),
        ([(20, 50), (60, 22), (300, 25)], "auto", 24),
        ([(300, 200), (200, 310)], None, 64),
        ([(3, 5), (4, 4)], None, 8),
        ([(20, 50), (60, 22)], 10, 10),
    ],
)
def test_a_size_is_chosen_where_there_has_to_be_one(tmp_path, caplog, sizes, image_size, side):
    caplog.set_level("INFO", logger="tf_gmvae")
    for number, size in enumerate(sizes):
        save(tmp_path / f"{number}.png", size=size)
    dataset = load(tmp_path, image_size=image_size)
    assert dataset.image_size == side
    assert dataset.train.data_shape == ((side, side, 3) if side else (sizes[0][1], sizes[0][0], 3))
    assert ("pixels are resized to" in caplog.text) == (side not in (None, image_size))


def test_a_picture_that_was_held_on_its_side_counts_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.jpg", size=(6, 4), exif=exif)
    save(tmp_path / "b.jpg", size=(4, 6))
    assert load(tmp_path).image_size is None
    save(tmp_path / "c.png", size=(6, 4), exif=exif)
    assert load(tmp_path).train.data_shape == (6, 4, 3)


def test_folders_within_folders_are_read(tmp_path):
    paths = ["cat/a.png", "cat/old/1999/b.png", "dog/old/c.png"]
    for path in paths:
        save(tmp_path / "mine" / path)
    (tmp_path / "mine" / "dog" / "again").symlink_to(tmp_path / "mine")  # leads back, and is not followed
    for folder in (tmp_path / "mine", tmp_path):  # a sole folder of folders is passed through
        dataset = load(folder)
        assert dataset.class_names == ("cat", "dog")
        assert dataset.train.labels.tolist() == [0, 0, 1]
        above = "mine/" if folder == tmp_path else ""
        assert dataset.train.ids.tolist() == [above + path for path in paths]


def test_parts_within_a_folder_that_is_passed_through_are_parts(tmp_path, caplog):
    paths = ["train/cat/a.png", "train/dog/b.png", "test/photos/cat/c.png", "other/d.png"]
    for path in paths:
        save(tmp_path / "archive" / "mine" / path)
    (tmp_path / "archive" / "__MACOSX").mkdir()
    for folder in (tmp_path / "archive" / "mine", tmp_path):
        caplog.clear()
        with caplog.at_level("INFO"):
            dataset = load(folder)
        assert dataset.class_names == ("cat", "dog")
        above = "archive/mine/" if folder == tmp_path else ""
        assert dataset.train.ids.tolist() == [above + path for path in paths[:2]]
        assert dataset.test.ids.tolist() == [above + paths[2]]
        assert dataset.test.labels.tolist() == [0]
        assert "what lies beside them is left out: other." in caplog.text
    save(tmp_path / "archive" / "mine" / "e.png")
    with pytest.raises(InputError, match="mine has images beside train and test"):
        load(tmp_path)


def test_classes_that_are_called_as_parts_are_told_of(tmp_path, caplog):
    for path in ("Train/a.png", "Test/b.png"):
        save(tmp_path / path)
    with caplog.at_level("INFO"):
        assert load(tmp_path).class_names == ("Test", "Train")
    assert "as parts of the data, and not classes, folders are called train and test." in caplog.text


@pytest.mark.parametrize("picture", ["a.png", "cat/old/a.png"])
def test_pictures_and_a_table_in_one_folder_are_refused(tmp_path, picture):
    save(tmp_path / picture)
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.0, 2.0]}), tmp_path / "metadata.parquet")
    for read in (load, opening.open_source):
        with pytest.raises(InputError, match=r"holds pictures and a table \(metadata.parquet\): move what is not"):
            read(str(tmp_path))
    (tmp_path / "metadata.parquet").unlink()
    assert load(tmp_path).train.num_examples == 1


def test_pictures_beside_folders_leave_all_without_labels(tmp_path):
    for path in ("z.png", "cat/a.png"):
        save(tmp_path / path)
    dataset = load(tmp_path)
    assert (dataset.train.labels, dataset.class_names) == (None, None)
    assert dataset.train.ids.tolist() == ["z.png", "cat/a.png"]


@pytest.mark.parametrize("image_size", [None, 8])
def test_broken_pictures_are_left_out_and_listed(tmp_path, caplog, image_size):
    for path in ("cat/b.png", "dog/c.png", "elk/d.png"):
        save(tmp_path / path, size=(60, 60))
    save(tmp_path / "cat" / "e.png", size=(60, 60))
    whole = (tmp_path / "cat" / "e.png").read_bytes()
    (tmp_path / "cat" / "e.png").write_bytes(whole[:900])  # its size can be read, and its pixels cannot
    (tmp_path / "cat" / "a.png").write_bytes(b"no image")
    (tmp_path / "dog" / "c.png").write_bytes(b"")
    dataset = load(tmp_path, image_size=image_size, skip_broken=True)
    assert dataset.skipped == ("cat/a.png", "cat/e.png", "dog/c.png")
    assert dataset.train.ids.tolist() == ["cat/b.png", "elk/d.png"]
    assert dataset.train.labels.tolist() == [0, 2]
    assert dataset.class_names == ("cat", "dog", "elk")
    assert "3 of 5 images cannot be read and are left out: cat/a.png, cat/e.png, dog/c.png." in caplog.text
    for path in ("cat/b.png", "elk/d.png"):
        (tmp_path / path).write_bytes(whole[:900])
    with pytest.raises(InputError, match="holds no image that can be read: check the files"):
        load(tmp_path, image_size=image_size, skip_broken=True)


def test_what_the_system_withholds_is_not_called_broken_nor_left_out(tmp_path):
    for path in ("a/x.png", "a/y.png", "b/z.png"):
        save(tmp_path / path)
    for shut in ("a/y.png", "a", "."):
        mode = (tmp_path / shut).stat().st_mode
        (tmp_path / shut).chmod(0)
        for skip_broken in (False, True):
            with of_a_user(), pytest.raises(InputError, match=r"cannot be read \(Permission.*: check its permis"):
                load(tmp_path, skip_broken=skip_broken)
        (tmp_path / shut).chmod(mode)
    (tmp_path / "shards.json").touch(mode=0)
    with of_a_user(), pytest.raises(InputError, match=r"shards.json cannot be read \(Permission denied\)"):
        load(tmp_path)


def test_pictures_of_other_kinds_are_told_of(tmp_path, caplog):
    for name in ("a/x.HEIC", "a/b/y.dng", ".hidden/z.heic"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    said = r"2 pictures of a kind that is not read (.dng, .heic) are left out: write such pictures again as PNG"
    with pytest.raises(InputError, match=f"check the path; {re.escape(said)}"):
        load(tmp_path)
    save(tmp_path / "a" / "x.png")
    assert load(tmp_path).train.num_examples == 1
    assert said in caplog.text


@pytest.mark.parametrize("limit", [50, 30])  # beyond one of them Pillow warns, beyond two it refuses
def test_a_bomb_is_refused(tmp_path, monkeypatch, limit):
    save(tmp_path / "a.png", size=(8, 3))
    save(tmp_path / "b.png", size=(9, 7))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    message = f"b.png has more than {limit} pixels, which may be an attack.* or leave .* with --skip_broken"
    with pytest.raises(InputError, match=message):
        load(tmp_path)
    assert load(tmp_path, skip_broken=True).skipped == ("b.png",)


def test_broken_images_are_named(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "cut.png", size=(60, 60))
    content = (tmp_path / "cut.png").read_bytes()
    for i in range(4):
        (tmp_path / f"cut{i}.png").write_bytes(content[:900])
    (tmp_path / "cut.png").write_bytes(b"")
    message = r"cut.png, .*cut0.png, .*cut1.png and 2 more cannot be read .*: remove or replace .*--skip_broken"
    with pytest.raises(InputError, match=message):
        load(tmp_path, image_size=4)
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"a.png, .*cut.png cannot be read as images: remove or replace"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], r"holds no images \(bmp, .*\), nor do its sub-folders: check the path"),
        (["a.png", "train/a.png", "test/a.png"], "has images beside train and test: move them into one of these"),
    ],
)
def test_folders_that_do_not_fit(tmp_path, paths, message):
    for path in paths:
        save(tmp_path / path)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_an_empty_test_folder_is_named(tmp_path):
    save(tmp_path / "train" / "a.png")
    (tmp_path / "test").mkdir()
    with pytest.raises(InputError, match="test holds no images"):
        load(tmp_path)
