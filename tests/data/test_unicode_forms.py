"""An umlaut may be one character, as most write it, or two, as macOS does: names and levels are the same ones."""

import pickle
import unicodedata

import numpy as np
import pandas
import pyarrow.parquet
import pytest

from tf_gmvae.data import load
from tf_gmvae.data.described import of_frame
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.streams.opening import open_source
from tf_gmvae.data.table import load_rows
from tf_gmvae.tables.columns import Columns
from train.run import cluster_names, table_blocks

FORMS = ("NFC", "NFD")
TOWNS = ["Köln", "Münster", "Hof", "Köln"]


def frame(form):
    table = pandas.DataFrame({"Größe": [1.5, 2.5, 4.0, 8.0], "Straße": TOWNS, "Überweg": ["ä", "ö", "ä", "ö"]})
    return table.map(lambda v: v if isinstance(v, float) else unicodedata.normalize(form, v)).rename(
        columns=lambda name: unicodedata.normalize(form, name)
    )


def written(folder, form, suffix):
    path = folder / f"{form}.{suffix}"
    frame(form).to_csv(path, index=False) if suffix == "csv" else frame(form).to_parquet(path, index=False)
    return path


def of_earlier_version(form):
    """As they were kept: as a file wrote them."""
    config = of_frame(frame("NFC"))[0].as_config()
    for column in config:
        column["name"] = unicodedata.normalize(form, column["name"])
        column["levels"] = [unicodedata.normalize(form, level) for level in column["levels"]]
    return config


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("opened", [load, open_source])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("typed", FORMS)
def test_files_and_options_of_either_form_are_the_same(tmp_path, suffix, opened, form, typed):
    path = written(tmp_path, form, suffix)
    columns, id_column = (unicodedata.normalize(typed, name) for name in ("Größe", "Straße"))
    label = unicodedata.normalize(typed, "Überweg")
    data = opened(str(path), **{
        **(dict.fromkeys(("image_size", "channels", "series")) if opened is open_source else {}),
        "columns": [columns], "id_column": id_column, "label_column": label, "kinds": {columns: "real"},
    })  # fmt: skip
    # Levels and classes are as the file has them, and in that order: what is there was trained on their numbers.
    assert data.columns.names == ("Größe",)
    assert data.class_names == tuple(unicodedata.normalize(form, text) for text in "äö")
    whole = load(str(path))
    assert [(c.name, c.levels) for c in whole.columns.columns] == [
        (name, tuple(unicodedata.normalize(form, level) for level in levels))
        for name, levels in (("Größe", ()), ("Straße", ("Hof", "Köln", "Münster")), ("Überweg", ("ä", "ö")))
    ]
    for other in FORMS:
        again = load_rows(written(tmp_path, other, suffix), whole.columns, id_column)
        np.testing.assert_array_equal(again.examples, whole.train.examples)
        assert again.ids.tolist() == [unicodedata.normalize(other, town) for town in TOWNS]  # as they are written


@pytest.mark.parametrize("kept", FORMS)
@pytest.mark.parametrize("new", FORMS)
def test_models_of_earlier_versions_read_what_they_were_trained_on(tmp_path, kept, new):
    config = of_earlier_version(kept)
    columns = Columns.from_config(config)
    expected = of_frame(frame("NFC"))
    expected = expected[0].numbers(expected[1])
    assert not np.isnan(expected).any()
    for path in (written(tmp_path, new, "csv"), written(tmp_path, new, "parquet")):
        np.testing.assert_array_equal(load_rows(path, columns).examples, expected)
    with open(tmp_path / f"{new}.csv", "rb") as file:
        ((batch, _),) = table_blocks.of_delimited(file, ",", columns, None, [])
        block = pyarrow.Table.from_batches([batch])
        np.testing.assert_array_equal(table_blocks.rows(block, "", columns, None).numbers, expected)
    np.testing.assert_array_equal(columns.numbers(as_table(frame(new))), expected)
    pickled = object.__new__(Columns)
    raw = tuple(type(columns.columns[0])(**{**c, "levels": tuple(c["levels"])}) for c in config)
    object.__setattr__(pickled, "columns", raw)
    assert pickle.loads(pickle.dumps(pickled)) == columns


def test_a_model_that_told_forms_apart_still_does():
    two = [unicodedata.normalize(form, "Köln") for form in FORMS]
    config = of_earlier_version("NFC")[1] | {"levels": [*two, "Hof"]}
    columns = Columns.from_config([config])
    assert columns.columns[0].levels == (*two, "Hof")
    numbers = columns.numbers({"Straße": np.array([*two, "Hof", None], object)})
    np.testing.assert_array_equal(numbers[:, 0], [0, 1, 2, np.nan])


def test_columns_whose_names_differ_in_form_alone_are_two(tmp_path):
    two = [unicodedata.normalize(form, "Größe") for form in FORMS]
    table = pandas.DataFrame(dict(zip(two, ([1.5, 2.5, 4.0], [8.0, 5.0, 7.5]), strict=True)))
    for path in (tmp_path / "two.csv", tmp_path / "two.parquet"):
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, index=False)
        assert load(str(path)).columns.names == tuple(two)
    assert list(as_table(table)) == two


def test_names_of_files_are_known_in_either_form():
    known = dict.fromkeys((unicodedata.normalize("NFD", "fruit/Äpfel.png"), "a.png"), 0)
    given = ["fruit/Äpfel.png", "a.png", "b.png"]
    assert cluster_names.as_known(given, known) == [*known, "b.png"]
