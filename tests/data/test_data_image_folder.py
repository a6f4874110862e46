"""Folders of pictures, which the tests write with Pillow."""

import numpy as np
import pytest
from PIL import Image

from tf_gmvae.data import image_folder, load
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


def test_train_and_test_folders_are_splits_with_one_numbering(tmp_path):
    for path in ("train/cat/1.png", "train/elk/1.png", "test/elk/2.png", "test/owl/2.png", "other/x.png"):
        save(tmp_path / path)
    dataset = load(tmp_path)
    assert dataset.class_names == ("cat", "elk", "owl")
    assert dataset.train.labels.tolist() == [0, 1]
    assert dataset.test.labels.tolist() == [1, 2]
    assert dataset.train.ids.tolist() == ["train/cat/1.png", "train/elk/1.png"]
    assert dataset.test.ids.tolist() == ["test/elk/2.png", "test/owl/2.png"]


def test_many_images_keep_their_places(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "_BLOCK", 4)
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


def test_transparency_is_dropped(tmp_path):
    save(tmp_path / "a.png", np.full((2, 2, 4), (10, 20, 30, 0), np.uint8))
    assert load(tmp_path).train.examples[0, 0, 0].tolist() == [10, 20, 30]


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 257, 32896, 65535]], np.uint16))
    assert load(tmp_path).train.examples.ravel().tolist() == [0, 1, 128, 255]


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    save(tmp_path / "a.jpg", size=(6, 4), exif=exif)
    assert load(tmp_path).train.data_shape == (6, 4, 3)


def test_image_size_resizes_to_squares(tmp_path):
    save(tmp_path / "a.png", np.full((4, 8, 3), 77, np.uint8))
    save(tmp_path / "b.png", np.full((9, 3, 3), 99, np.uint8))
    examples = load(tmp_path, image_size=5).train.examples
    assert examples.shape == (2, 5, 5, 3)
    assert (examples[0] == 77).all()
    assert (examples[1] == 99).all()


def test_another_size_is_named(tmp_path):
    save(tmp_path / "a.png", size=(6, 4))
    save(tmp_path / "b.png", size=(7, 4))
    message = r"b.png has 7 x 4 pixels, but .*a.png has 6 x 4: give image_size to resize all images"
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_broken_images_are_named(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "cut.png", size=(60, 60))
    content = (tmp_path / "cut.png").read_bytes()
    for i in range(4):
        (tmp_path / f"cut{i}.png").write_bytes(content[:900])
    (tmp_path / "cut.png").write_bytes(b"")
    message = r"cut.png, .*cut0.png, .*cut1.png and 2 more cannot be read as images: remove or replace them"
    with pytest.raises(InputError, match=message):
        load(tmp_path, image_size=4)
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"a.png cannot be read as images: remove or replace"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], r"holds no images \(bmp, .*\), nor do its sub-folders: check the path"),
        (["a.png", "cat/a.png"], "has images both directly in it and in sub-folders: move them"),
        (["a.png", "train/a.png", "test/a.png"], "has images both directly in it and in sub-folders"),
        (["train/a.png", "train/cat/a.png", "test/a.png"], "train has images both directly"),
        (["train/cat/a.png"], "cat holds images too deep in .*: put them directly"),
        (["cat/a.png", "cat/old/a.png"], "old holds images too deep"),
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
