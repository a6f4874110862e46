"""load(): names, paths and options that do not go together."""

from pathlib import Path

import numpy as np
import pytest

from tf_gmvae.data import load
from tf_gmvae.errors import InputError


def test_a_path_may_be_a_string_or_a_path_and_begin_at_home(tmp_path, monkeypatch):
    np.savez(tmp_path / "own.npz", x=np.zeros((3, 2)))
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "own.npz", str(tmp_path / "own.npz"), "~/own.npz"):
        assert load(path).train.num_examples == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minst", "no data set or path 'minst': did you mean 'mnist'. possible are synthetic, digits, mnist, "),
        ("fashion-mnist", "did you mean 'fashion_mnist'"),
        (
            "zzz",
            "no data set or path 'zzz': possible are .*tfds:NAME, .* a table .* a .npz or .npy file or of a "
            "folder",
        ),
        ("no/such.npz", "no/such.npz does not exist: check the path"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(InputError, match=message):
        load(name)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("data.doc", "give one of these"),
        ("photos.ZIP", "unpack it and give what was in it"),
        ("photos.tar.gz", "unpack it and give what was in it"),
        ("1.png", "put it into a folder and give that"),
    ],
)
def test_a_file_of_another_kind(name, mend, tmp_path):
    (tmp_path / name).write_text("1,2")
    with pytest.raises(
        InputError, match=rf"{name} is neither a table .*, a .npz or .npy file nor a folder of images: {mend}\."
    ):
        load(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 32}, "image_size applies to folders .*'digits' is none: leave it out. .*image_size=32"),
        ({"skip_broken": True}, "skip_broken applies to folders .*'digits' is none: leave it out"),
        ({"series": True}, "series applies to .npz and .npy files only, and 'digits' is none: leave it out"),
        ({"channels": 1}, "channels applies to folders .*'digits' is none: leave it out. .*channels=1"),
        ({"seed": -1, "name": "synthetic"}, "`seed` must be an integer >= 0. Received: seed=-1"),
        ({"data_dir": __file__, "name": "mnist"}, "data_dir must be a folder, but .*test_data_load.py is a file"),
    ],
)
def test_options_that_do_not_apply(options, message):
    with pytest.raises(InputError, match=message):
        load(**{"name": "digits", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "`image_size` must be an integer >= 1. Received: image_size=0"),
        ({"image_size": 2.5}, "Received: image_size=2.5"),
        ({"channels": 4}, r"channels must be 1 \(grey\) or 3 \(RGB\). Received: channels=4"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        load(Path(__file__).parent, **options)
