"""TensorFlow Datasets: small sets are really prepared in a folder and read back, without a network."""

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.core.download import downloader

from tf_gmvae.data import load
from tf_gmvae.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3
IMAGE, LABEL = tfds.features.Image(shape=(4, 5, 3)), tfds.features.ClassLabel(names=["cat", "dog", "elk"])
DEEP = tfds.features.Image(shape=(4, 5, 3), dtype=np.uint16, encoding_format="png")
PAIR = tfds.features.Tensor(shape=(2,), dtype=np.int64)
PARTS = {"train": (0, 20), "test": (20, 30)}


class Small(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = epath.Path(__file__).parent  # TFDS would look for the package of this module

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(self.wanted))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(*part) for name, part in self.parts.items()}

    def _generate_examples(self, start, stop):
        for i in range(start, stop):
            yield i, {key: self._value(i, feature) for key, feature in self.wanted.items()}

    def _value(self, i, feature):
        if isinstance(feature, tfds.features.ClassLabel):
            return LABELS[i]
        if feature is PAIR:
            return np.zeros(2, np.int64)
        return IMAGES[i].astype(feature.np_dtype)


def prepare(folder, name, parts=PARTS, **wanted):
    attributes = {"name": name, "wanted": wanted, "parts": parts, "__module__": __name__}
    builder = type(name, (Small,), attributes, skip_registration=True)(data_dir=folder)
    builder.download_and_prepare()
    return builder


def in_any_order(examples, labels):
    return sorted(zip(map(bytes, examples), labels.tolist(), strict=True))


def test_a_prepared_set_comes_back_byte_for_byte(tmp_path):
    prepare(tmp_path, "tiny", image=IMAGE, label=LABEL)
    dataset = load("tfds:tiny", tmp_path)
    assert dataset.name == "tfds:tiny"
    assert dataset.class_names == ("cat", "dog", "elk")
    for split, (start, stop) in ((dataset.train, PARTS["train"]), (dataset.test, PARTS["test"])):
        # TFDS shuffles examples when it writes them.
        expected = in_any_order(IMAGES[start:stop], LABELS[start:stop])
        assert in_any_order(split.examples, split.labels) == expected
        assert split.examples.dtype == np.uint8


def test_order_is_the_same_each_time(tmp_path):
    prepare(tmp_path, "tiny", image=IMAGE, label=LABEL)
    first, second = (load("tfds:tiny", tmp_path).train for _ in range(2))
    np.testing.assert_array_equal(first.examples, second.examples)


@pytest.mark.parametrize(
    ("parts", "num_test"), [({"train": (0, 9)}, None), ({"train": (0, 9), "validation": (9, 13)}, 4)]
)
def test_without_a_test_split_validation_takes_its_place(tmp_path, parts, num_test):
    prepare(tmp_path, "tiny", parts, image=IMAGE)
    dataset = load("tfds:tiny", tmp_path)
    assert dataset.train.labels is None
    assert (dataset.test and dataset.test.num_examples) == num_test


def test_named_sets_are_read_from_a_tfds_folder(tmp_path):
    digit = tfds.features.ClassLabel(num_classes=10)
    parts = {"train": (0, 12), "extra": (12, 20), "test": (20, 30)}
    prepare(tmp_path, "svhn_cropped", parts, image=IMAGE, label=digit)
    prepare(tmp_path, "fashion_mnist", image=IMAGE, label=digit)
    svhn = load("svhn", tmp_path)
    assert (svhn.name, svhn.train.num_examples, svhn.class_names) == ("svhn", 20, tuple("0123456789"))
    assert in_any_order(svhn.train.examples, svhn.train.labels) == in_any_order(IMAGES[:20], LABELS[:20])
    assert load("fashion_mnist", tmp_path).class_names[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("parts", "wanted", "message"),
    [
        (PARTS, {"picture": IMAGE}, "tfds:odd must have the feature 'image'.*choose.*Received: picture"),
        (PARTS, {"image": tfds.features.Image(shape=(None, None, 3))}, "varying sizes.*folder with image_size"),
        (PARTS, {"image": DEEP}, "must have uint8 images: choose.*Received: uint16"),
        (PARTS, {"image": IMAGE, "label": PAIR}, r"one whole number as the label: choose.*shape \(2,\)"),
        ({"test": (0, 3)}, {"image": IMAGE}, "must have the split 'train': choose.*Received: the splits test"),
    ],
)
def test_sets_that_do_not_fit(tmp_path, parts, wanted, message):
    prepare(tmp_path, "odd", parts, **wanted)
    with pytest.raises(InputError, match=message):
        load("tfds:odd", tmp_path)


def test_a_damaged_record_is_named(tmp_path):
    builder = prepare(tmp_path, "tiny", image=IMAGE, label=LABEL)
    record = next(path for path in builder.data_path.iterdir() if "train" in path.name)
    record.write_bytes(record.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"tfds:tiny, split 'train'.*remove .*tiny.* and prepare it again"):
        load("tfds:tiny", tmp_path)


def test_unknown_names(tmp_path):
    with pytest.raises(InputError, match=r"tfds:no_such_set is neither prepared.*nor known.*check the name"):
        load("tfds:no_such_set", tmp_path)
    with pytest.raises(InputError, match="tfds: must be followed by the name"):
        load("tfds:", tmp_path)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("mnist", "put the original files train-images-idx3-ubyte.gz, .* into {folder}"),
        ("svhn", "put the original files train_32x32.mat, .* into {folder}"),
        ("tfds:kmnist", "prepare it on a machine with a network and give its TFDS folder as data_dir"),
    ],
)
def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch, name, mend):
    def no_network(self, *args, **kwargs):
        request = requests.Request("GET", "https://data.example/file.gz").prepare()
        raise requests.exceptions.ConnectionError("Max retries exceeded", request=request)

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_network)
    pattern = rf"{name} could not be downloaded \(no connection to data.example\): {mend}"
    with pytest.raises(InputError, match=pattern.format(folder=tmp_path)):
        load(name, tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "svhn", "tfds:kmnist"])
def test_a_folder_that_is_not_there_is_refused_before_anything_is_made(tmp_path, monkeypatch, name):
    asked = []

    def prepare(self):
        asked.append(self)

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", prepare)
    with pytest.raises(InputError, match=r"data_dir .*/mnits does not exist: .* or make it, for a download"):
        load(name, tmp_path / "mnits")
    assert not asked and not list(tmp_path.iterdir())
    (tmp_path / "mnits").mkdir()  # as the sentence says
    with pytest.raises(InputError):  # nothing was prepared
        load(name, tmp_path / "mnits")
    assert asked
    assert load("digits", tmp_path / "no").train.num_examples  # which has no use for it


def test_downloads_are_given_up_soon(tmp_path, monkeypatch):
    default, seen = downloader.MAX_RETRIES, []
    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", lambda self: seen.append(downloader.MAX_RETRIES)
    )
    with pytest.raises(InputError):  # nothing was prepared
        load("tfds:kmnist", tmp_path)
    assert seen == [3]
    assert default == downloader.MAX_RETRIES
