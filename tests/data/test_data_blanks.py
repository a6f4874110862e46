"""Blanks around names and texts do not count, nor the form of an umlaut, whichever way a table is read."""

import unicodedata

import numpy as np
import pandas
import pyarrow
import pyarrow.feather
import pytest
from absl import flags

from tf_gmvae.data import load
from tf_gmvae.data.described import of_frame
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.streams.opening import open_source
from tf_gmvae.data.table import load_rows, read_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.describing import describe
from train.run.loading import load_data
from train.run.settings import Settings

SIZES = [1.5, 2.5, 4.0, 8.0, 5.0, 7.0]
BARE = pandas.DataFrame({
    "size": SIZES, "region": ["north", "south", None, "east", "north", "south"], "kind": list("abccba")
})  # fmt: skip
PADDED = pandas.DataFrame({
    "size ": SIZES, " region": ["north ", " south", " ", "east", "north", "south"],
    "kind": ["a ", "b", "c", " c", " b", "a"],
})  # fmt: skip
TWO_FORMS = [unicodedata.normalize(form, "Köln") for form in ("NFC", "NFD")]


def written(path, frame):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        pyarrow.feather.write_feather(pyarrow.Table.from_pandas(frame), path)
    return path


def meanings_and_rows(dataset):
    return dataset.columns.meanings, dataset.train.examples


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_blanks_around_names_and_texts_do_not_count(tmp_path, suffix):
    bare, padded = (written(tmp_path / f"{n}.{suffix}", frame) for n, frame in enumerate((BARE, PADDED)))
    options = {"columns": ["size", "region"], "label_column": "kind"}
    meanings, rows = meanings_and_rows(load(bare, **options))
    assert meanings[1] == ("region", "category", ("east", "north", "south"))
    found = load(padded, **options)
    assert found.columns.meanings == meanings and found.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(found.train.examples, rows)
    assert found.train.labels.tolist() == [0, 1, 2, 2, 1, 0]
    np.testing.assert_array_equal(load_rows(padded, found.columns).examples, rows)
    columns, table = of_frame(PADDED[["size ", " region"]])
    assert columns.meanings == meanings and not columns.unseen(table, columns.numbers(table))
    np.testing.assert_array_equal(columns.numbers(table), rows)
    if suffix == "parquet":
        source = open_source(
            str(padded), image_size=None, channels=None, series=None, id_column=None, kinds=None, **options
        )
        assert source.columns.meanings == meanings and source.class_names == ("a", "b", "c")
        (read,) = (part for part in source.pieces[0].read() if not hasattr(part, "column"))
        np.testing.assert_array_equal(read.examples, rows)
        assert read.labels.tolist() == [0, 1, 2, 2, 1, 0]


@pytest.mark.parametrize("opened", [load, open_source])
def test_a_label_of_blanks_is_none(tmp_path, opened):
    path = written(tmp_path / "own.parquet", PADDED.assign(kind=["a", "b", "c", "a", " ", "b"]))
    options = {"columns": None, "id_column": None, "kinds": None, "image_size": None, "channels": None}
    with pytest.raises(InputError, match="the label column 'kind' is empty in row 4"):
        opened(str(path), series=False, label_column="kind", **options)


def test_a_blank_among_numbers_is_missing(tmp_path):
    columns = of_frame(BARE)[0]
    rows = columns.numbers(as_table(BARE.assign(size=["1.5", " ", " 4", "8", "5", "7"])))
    np.testing.assert_array_equal(rows[:, 0], [1.5, np.nan, 4, 8, 5, 7])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_two_forms_in_one_table_are_one_level_and_one_class(tmp_path, suffix):
    towns = [*TWO_FORMS, "Hof", "Ulm", "Ulm", TWO_FORMS[1]]
    path = written(tmp_path / f"own.{suffix}", pandas.DataFrame({"size": SIZES, "town": towns, "class": towns}))
    found = load(path, label_column="class")
    assert found.columns.columns[1].levels == found.class_names == ("Hof", "Köln", "Ulm")
    assert found.train.labels.tolist() == found.train.examples[:, 1].tolist() == [1, 1, 0, 2, 2, 1]
    same = load(written(path, pandas.DataFrame({"size": SIZES, "town": [*TWO_FORMS * 3]})))
    assert same.columns.names == ("size",)  # and not the same town twice, as yes or no


def test_levels_of_earlier_versions_stay_as_they_are(tmp_path):
    def of_levels(*levels):
        columns = [{"name": "size", "kind": "real", "levels": (), "center": [0.0], "scale": 1.0},
                   {"name": "region ", "kind": "category", "levels": levels, "center": [0.0] * len(levels),
                    "scale": 1.0}]  # fmt: skip
        return Columns.from_config(columns)

    def numbers(columns, *regions):
        frame = pandas.DataFrame({"size": SIZES[: len(regions)], "region ": regions})
        return [
            columns.numbers(as_table(frame))[:, 1].tolist(),
            load_rows(written(tmp_path / "new.parquet", frame), columns).examples[:, 1].tolist(),
        ]

    padded = of_levels("east ", "north ", "south ")
    assert numbers(padded, "north ", "east", " south") == [[1, 0, 2]] * 2
    # A text file has never had the blanks.
    path = written(tmp_path / "new.csv", BARE.fillna("east"))
    assert load_rows(path, padded).examples[:, 1].tolist() == [1, 2, 0, 0, 1, 2]
    assert numbers(of_levels(" ", "north", "north "), "north ", " ", "north") == [[2, 0, 1]] * 2


def test_a_run_of_an_earlier_version_goes_on_with_its_levels(tmp_path):
    regions = ["north ", "south", "north", " ", *TWO_FORMS]
    path = written(tmp_path / "own.parquet", pandas.DataFrame({"size": SIZES, "region ": regions}))
    values = flags.FlagValues()
    Settings.define(values)
    values(["", f"--dataset={path}"])
    settings = Settings.from_flags(values)
    assert load_data(settings).columns.columns[1].levels == ("Köln", "north", "south")
    read = read_table(path)
    config = describe(read)[0].as_config()
    config[1] |= {"levels": sorted(regions), "center": [1 / 6] * 6}
    known = Columns.from_config(config)
    found = load_data(settings, known=known)
    assert found.columns.meanings == known.meanings
    np.testing.assert_array_equal(found.train.examples, known.numbers(read))
    assert sorted(found.train.examples[:, 1]) == [*range(6)]  # which it told apart
