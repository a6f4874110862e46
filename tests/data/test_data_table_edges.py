"""Tables whose types cannot be told from their first rows, or from the new rows alone."""

import functools
import logging
import re

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from tf_gmvae.data import load
from tf_gmvae.data.described import of_frame
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.streams.opening import open_source
from tf_gmvae.data.table import known_columns, load_rows, read_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables.describing import describe
from train.run import cluster_names


def saved(folder, text, name="own.csv"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("inner", ["\n", "\u2028", "\x85", '""'])
@pytest.mark.parametrize("rows", [30, 5000])  # the second is longer than what files are judged by
def test_a_quoted_text_may_hold_any_end_of_line(tmp_path, end, inner, rows):
    lines = [f'{n},"one{inner}two",{n / 2},{"xy"[n % 2]}' for n in range(rows)]
    table = read_table(saved(tmp_path, end.join(["a,note,b,c", *lines, ""])))
    assert set(table["note"]) == {"one" + inner.replace('""', '"') + "two"}
    np.testing.assert_array_equal(table["b"], np.arange(rows) / 2)
    with pytest.raises(InputError, match=r"line 5 has 2 values, but line 1 has 3 \(separated by ','\)"):
        read_table(saved(tmp_path, 'a,b,c\n1,"x\ny",2\n3,4,5\n6,7\n'))


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("rows", [3, 5000])
@pytest.mark.parametrize("place", [0, 1])
def test_a_quote_that_never_closes_is_named(tmp_path, end, rows, place):
    lines = [f'{n}" disk,"one ""{n}"""' for n in range(rows)]
    assert len(read_table(saved(tmp_path, "\n".join(["a,b", *lines]) + end))["a"]) == rows
    lines[-2] = ['"8 disk,x', '8 disk,"x'][place]
    lines[-1] = "9 disk,y" + end
    said = (
        f"own.csv: the quote that opens in line {rows}, before '{'8x'[place]}.*', never closes: close it, or take"
    )
    with pytest.raises(InputError, match=said):
        read_table(saved(tmp_path, "\n".join(["a,b", *lines])))


def test_a_quote_that_never_closes_may_open_early(tmp_path):
    path = saved(tmp_path, 'a,b\n1,2\n3,"4\n' + "5,6\n" * 60_000)
    with pytest.raises(InputError, match="the quote that opens in line 3, before '4"):
        read_table(path)
    with pytest.raises(InputError, match="has a first line that is too long for a table"):
        read_table(saved(tmp_path, "a" * 200_000))


@pytest.mark.parametrize("last", ['""', '"x"', '"x"""', '"x\n"', 'x"', '""""'])
def test_a_quote_at_the_end_of_a_file_closes(tmp_path, last):
    for text in (f"a,b\n1,y\n2,{last}", f"b\ny\n{last}\n"):
        assert len(read_table(saved(tmp_path, text))["b"]) == 2


@pytest.mark.parametrize("word", ["  ", "NA ", "   NA", " ? "])
def test_blanks_around_what_is_missing_do_not_count(tmp_path, word):
    text = f"i,f,yes,day,text\n1,2.5,true,2020-01-02,x\n{','.join([word] * 5)}\n3,4.5,false,2020-01-04,y\n"
    table = read_table(saved(tmp_path, text))
    np.testing.assert_array_equal(table["i"], [1, np.nan, 3])
    np.testing.assert_array_equal(table["f"], [2.5, np.nan, 4.5])
    assert table["yes"].tolist() == [True, None, False] and table["text"].tolist() == ["x", None, "y"]
    np.testing.assert_array_equal(table["day"], [18263, np.nan, 18265])
    commas = read_table(saved(tmp_path, f"i;f\n1;2,5\n{word};{word}\n3;4,5\n"))
    np.testing.assert_array_equal(commas["f"], [2.5, np.nan, 4.5])


def test_a_single_column_of_texts_may_hold_blanks(tmp_path):
    table = read_table(saved(tmp_path, "year sold\nMain 12\nMain 13\nElm 14\n"))
    assert table["year sold"].tolist() == ["Main 12", "Main 13", "Elm 14"]


@pytest.mark.parametrize("text, told", [
    ("\nsize\n\n1\n\n\n2\n4\n\n\n", "3 blank lines between its rows are left out, as no row: where a value is"),
    ("size\n1\n\n2\n4", "1 blank line between its rows is left out"),
    ('size\n"a\n\nb"\nc\nd\n\n', None),  # they are a part of a text, and the end of the file
    ("size,b\n1,2\n\n2,3\n", None),  # a row of two columns has a comma
])  # fmt: skip
def test_blank_lines_in_a_single_column_are_told_of(tmp_path, caplog, text, told):
    assert len(read_table(saved(tmp_path, text))["size"]) == (2 if "," in text else 3)
    assert told in caplog.text if told else "blank line" not in caplog.text


@pytest.mark.parametrize("count, said", [
    (1, "row 2 has no value in the columns that are data, so nothing tells its cluster: remove it"),
    (3, "3 rows, as row 2, have no value in the columns that are data, so nothing tells their clusters: "
        "remove them"),
])  # fmt: skip
def test_rows_without_a_value_are_told_of(tmp_path, caplog, count, said):
    text = "size,a,b\n7,2.5,x\n7,3.5,y\n" + "3,,NA\n" * count + "4,1.5,\n5,,y\n"
    path = saved(tmp_path, text)
    assert load(path, id_column="size").train.num_examples == 4 + count
    assert f"own.csv: {said}.\n" in caplog.text
    caplog.clear()
    of_frame(pandas.read_csv(path)[["a", "b"]])
    assert caplog.messages == [f"{said}."]
    caplog.clear()
    load(path)
    assert "no value" not in caplog.text


def test_a_column_that_could_be_one_of_two_is_refused():
    known, _ = of_frame(pandas.DataFrame({"a ": [1.5, 2.5, 4.0], "b": [1.0, 0.5, 2.0]}))
    table = pandas.DataFrame({"a": [0.0], "a ": [1.5], "b": [1.0]})

    def read(names):
        return known_columns(functools.partial(as_table, table[names], "X"), known)

    assert read(["a ", "b"])["a"].tolist() == [1.5]
    with pytest.raises(InputError, match="Which column is 'a' nothing tells: another has the same name"):
        read(["a", "a ", "b"])
    both, _ = of_frame(pandas.concat([table, table + 1, table - 1]))  # a model of both knows them apart
    assert known_columns(functools.partial(as_table, table, "X"), both)["a "].tolist() == [1.5]


def test_lines_of_separators_alone_at_the_end_are_rows_and_told_of(tmp_path, caplog):
    path = saved(tmp_path, "a;b;c\n1;2.5;x\n2;1.5;y\n3;.5;x\n" + ";;\n" * 20)
    assert load(path).train.num_examples == 23
    assert "own.csv: 20 rows, as row 3, have no value in the columns that are data" in caplog.text


def test_quotes_behind_blanks_are_told_of(tmp_path, caplog):
    for text, found in (
        ('a, b, s\n0.1, "0.3", "x"\n0.2, "0.4", "y"\n', '"0.3"'),
        ('a, "the b"\n1, 2\n3, 4\n', '"the b"'),
        ('a,b\n1,"""x"""\n2,"y"\n', None),
        ('a,b\n1, x "y"\n2, "y" z\n', None),
    ):
        caplog.clear()
        read_table(saved(tmp_path, text))
        assert caplog.messages == ([] if found is None else [
            f"{tmp_path / 'own.csv'}: the quotes of {found} are a part of it, since a blank stands before "
            "them: write the file again without blanks between separators and quotes."
        ])  # fmt: skip


def test_a_decimal_comma_may_come_late(tmp_path):
    whole = "".join(f"{n};{n % 7};t{n % 3}\n" for n in range(60))
    table = read_table(saved(tmp_path, f"a;b;c\n{whole}60,5;3;t1\n"))
    np.testing.assert_array_equal(table["a"], [*range(60), 60.5])
    # Where numbers have a point, a comma is something else.
    mixed = read_table(saved(tmp_path, f"a;b;c\n{whole}60,5;3.5;t1\n"))
    assert mixed["a"][-1] == "60,5" and mixed["b"][-1] == 3.5


SIGNS = {
    "thousands": ("a\tb\n2,581\t2.5\n410\t7.25\n1,234,567\t5\n", {"a": [2581, 410, 1234567], "b": [2.5, 7.25, 5]}),
    "of a comma": ("a;b\n2.581;2,5\n410;7,25\n-1.234.567;5\n", {"a": [2581, 410, -1234567], "b": [2.5, 7.25, 5]}),
    "both": ("a;b\n1.234,5;x\n0,75;y\n834;z\n", {"a": [1234.5, 0.75, 834]}),
    "two groups": ("a|b\n1,234,567|2,581\n410|12\nNA|5\n", {"a": [1234567, 410, np.nan], "b": [2581, 12, 5]}),
    "three decimals": ("a\tb\n1.041\t2\n9.250\t3\n8.000\t5\n", {"a": [1.041, 9.25, 8], "b": [2, 3, 5]}),
    "three of a comma": ("a;b\n1,041;2\n9,250;3\n8,000;5\n", {"a": [1.041, 9.25, 8], "b": [2, 3, 5]}),
    "beside 5000": ("a;b\n1,041;2\n9,250;3\n5000;5\n", {"a": [1.041, 9.25, 5000], "b": [2, 3, 5]}),
    "points and commas": ("a;b;c\n1,5;2.5;2,581\n2,5;3.5;9\n3;1;5000\n", {"a": [1.5, 2.5, 3], "b": [2.5, 3.5, 1]}),
    "answers": ('a,b\n"1,3",5.125\n"2,4",7.250\n', {"a": ["1,3", "2,4"], "b": [5.125, 7.25]}),
    "in quotes": ('a,b\n"1,234",5.125\n"2,834",7.250\n', {"a": ["1,234", "2,834"], "b": [5.125, 7.25]}),
    "addresses": ("a\tb\n192.168.100.200\t5.125\n10.168.100.201\t7.250\n", {"b": [5.125, 7.25]}),
    "versions": ("a;b\n1.041.123;5\n1.041.124;7\n", {"a": ["1.041.123", "1.041.124"], "b": [5, 7]}),
    "exponents": ("a;b\n1,5e3;2\n2e2;3\n-,5;5\n", {"a": [1500, 200, -0.5], "b": [2, 3, 5]}),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
@pytest.mark.parametrize("late", [False, True])
def test_the_other_sign_parts_thousands(tmp_path, name, late):
    """Or the first sixty rows tell nothing of it."""
    text, expected = SIGNS[name]
    names, *rows = text.splitlines()
    first = [re.sub(r"\w", "-", names)] * 60 * late
    table = read_table(saved(tmp_path, "\n".join([names, *first, *rows]) + "\n"))
    for column, values in expected.items():
        np.testing.assert_array_equal(table[column][len(first) :], np.array(values, table[column].dtype))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\tb\n5\tx\n1,041\ty\n834\tz\n", "'1,041' in row 1 beside '5'"),
        ("a;b\n1.041;x\n834;y\n5;z\n", "'1.041' in row 0 beside '834'"),
    ],
)
def test_what_may_be_thousands_or_decimals_is_refused(tmp_path, text, value):
    path = saved(tmp_path, text)
    with pytest.raises(InputError, match=f"own.csv: column 'a' has {value}, and no other value tells whether"):
        read_table(path)
    assert load(path, columns=["b"]).columns.names == ("b",)
    mended = text.replace("1.041", "1041").replace("1,041", "1041")
    assert 1041 in read_table(saved(tmp_path, mended))["a"]
    decimals = text.replace("1,041", "1.041").replace("\t", ",").replace(";", ",")
    assert 1.041 in read_table(saved(tmp_path, decimals))["a"]


@pytest.mark.parametrize(("sign", "word"), [(",", "comma"), (".", "point")])
def test_what_is_taken_for_decimals_though_it_may_be_thousands_is_told_of(tmp_path, caplog, sign, word):
    path = saved(tmp_path, f"town;sales;share\nA;2{sign}581;3\nB;7{sign}300;4\n")
    with caplog.at_level(logging.INFO):
        np.testing.assert_allclose(read_table(path)["sales"], [2.581, 7.3])
        assert caplog.messages == [
            f"{path}: the {word} is taken as the decimal sign, as of '2{sign}581' in column 'sales': if it parts "
            "thousands, write the numbers without it."
        ]
        caplog.clear()
        read_table(path, is_wanted=lambda name: name == "share")
        read_table(saved(tmp_path, f"sales;share\n2{sign}581;3\n7{sign}30;4\n"))
        assert not caplog.messages


def trained_on(folder, values):
    return load(saved(folder, "x,c\n" + "".join(f"{n},{v}\n" for n, v in enumerate(values)), "old.csv")).columns


@pytest.mark.parametrize(
    ("trained", "new"),
    [
        (["True", "False", "unknown"], ["True", "False"]),
        (["True", "False"], ["True", "unheard", "False"]),
        (["08:00", "12:30", "all day"], ["08:00", "12:30"]),
        (["2020-01-01", "2020-02-01", "later"], ["2020-01-01", "2020-02-01"]),
        (["1", "2", "many"], ["1", "2"]),
        (["01", "1", "a"], ["01", "1"]),
        (["0", "1"], ["0.0", "1.0", "none"]),
    ],
)
@pytest.mark.parametrize("form", ["csv", "frame"])
def test_levels_are_known_again_whatever_stands_beside_them(tmp_path, trained, new, form):
    columns = trained_on(tmp_path, trained)
    assert columns.columns[1].kind in ("yes_no", "category")
    levels = columns.columns[1].levels
    lines = "x,c\n" + "".join(f"{n},{v}\n" for n, v in enumerate(new))
    if form == "csv":
        found = load_rows(saved(tmp_path, lines, "new.csv"), columns).examples[:, 1]
    else:  # as a job without a guess of types reads it
        found = columns.numbers({"x": np.arange(len(new)), "c": np.array(new, object)})[:, 1]
    folded = [level.casefold() for level in levels]
    expected = [
        levels.index(v) if v in levels
        else folded.index(v.casefold()) if v.casefold() in folded
        else levels.index(v.removesuffix(".0")) if v.endswith(".0") else np.nan
        for v in new
    ]  # fmt: skip
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(found).sum() >= 2


def test_the_word_for_what_is_missing_may_be_an_id_or_a_name(tmp_path):
    lines = "code,x,town\nNA,1,Ulm\nDE,2,NA\n-,4,Bonn\n,5,None\n"
    dataset = load(saved(tmp_path, lines), id_column="code")
    assert dataset.train.ids.tolist() == ["NA", "DE", "-", ""]
    np.testing.assert_array_equal(np.isnan(dataset.train.examples[:, 1]), [False, True, False, True])
    again = load_rows(saved(tmp_path, lines, "new.csv"), dataset.columns, "code")
    np.testing.assert_array_equal(again.examples, dataset.train.examples)
    assert again.ids.tolist() == ["NA", "DE", "-", ""]
    names = saved(tmp_path, "cluster,name\n0,NA\n1,None\n2,-\n", "names.csv")
    assert cluster_names.columns_of(names) == {"cluster": ["0", "1", "2"], "name": ["NA", "None", "-"]}
    with pytest.raises(InputError, match="row 1 has no name"):
        cluster_names.columns_of(saved(tmp_path, "cluster,name\n0,a\n1, \n", "names.csv"))


def test_other_words_are_other_levels(tmp_path):
    columns = trained_on(tmp_path, ["red", "Blue", "blue"])
    found = columns.numbers({"x": np.zeros(3), "c": np.array(["Red", "Blue", "blue"], object)})[:, 1]
    np.testing.assert_array_equal(np.isnan(found), [True, False, False])
    assert found[1] != found[2]


@pytest.mark.parametrize(
    ("values", "row"),
    [(["2020-12-28", "2020-12-29", "soon"], 2), (["60,5", "61,5", "many"], 2), (["1", "x", "y"], 1)],
)
def test_the_culprit_among_numbers_is_named(values, row):
    columns, _ = describe({"x": np.array([1.0, 2.0, 4.5])})
    with pytest.raises(InputError, match=f"holds '{values[row]}' in row {row}: repair it, or leave it empty"):
        columns.numbers({"x": np.array(values, object)})


@pytest.mark.parametrize("text", ["day\n05.01.2024\n06.01.2024\n", "day\n2024-01-05\n05.01.2024\n"])
def test_new_rows_are_told_how_dates_are_written(tmp_path, text):
    columns = load(saved(tmp_path, "day\n2023-12-24\n2023-12-25\n2023-12-31\n", "old.csv")).columns
    path = saved(tmp_path, text)
    row = 0 if text.startswith("day\n05") else 1
    said = f"holds '05.01.2024' in row {row}: write dates as 2023-12-24, or leave it empty"
    with pytest.raises(InputError, match=said):
        load_rows(path, columns)


@pytest.mark.parametrize(
    "other",
    [
        pyarrow.array([[1.0], [1.0, 2.0], [3.0]]), pyarrow.array([b"1", b"2", b"3"]),
        pyarrow.array([{"b": 1}, {"b": 2}, {"b": 3}]), pyarrow.array([1, 2, 3], pyarrow.duration("s")),
    ],
    ids=["lists", "bytes", "structs", "durations"],
)  # fmt: skip
def test_columns_that_are_not_asked_for_may_hold_anything(tmp_path, other):
    path = tmp_path / "own.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.0, 2.0, 4.0], "other": other, "b": [3, 5, 5]}), path)
    with pytest.raises(InputError, match="column 'other'"):
        load(path)
    chosen = load(path, columns=["b", "a"])
    np.testing.assert_array_equal(load_rows(path, chosen.columns).examples, chosen.train.examples)
    with pytest.raises(InputError, match="column 'other'"):
        load(path, columns=["a"], label_column="other")
    options = {"label_column": None, "id_column": None, "kinds": None}
    (piece,) = open_source(str(path), columns=["b", "a"], **options).pieces
    np.testing.assert_array_equal(next(piece.read()).examples, chosen.train.examples)


@pytest.mark.parametrize("names", ["a,q,b,q", "a,,b,", ",a,b,a b,a b"])
def test_columns_that_are_not_asked_for_may_have_any_name(tmp_path, names):
    path = tmp_path / "new.csv"
    rows = [[{"a": f"{n * n}", "b": f"{n}.5"}.get(name, "") for name in names.split(",")] for n in range(3)]
    path.write_text("\n".join([names, *map(",".join, rows)]) + "\n")
    chosen = load(path, columns=["b", "a"])
    assert chosen.train.examples.tolist() == [[0.5, 0], [1.5, 1], [2.5, 4]]
    np.testing.assert_array_equal(load_rows(path, chosen.columns).examples, chosen.train.examples)
    with pytest.raises(InputError, match="twice: rename one of them|has no name in the first line: give it one"):
        load(path)


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
@pytest.mark.parametrize("opened", [load, open_source])
def test_labels_are_no_data(tmp_path, name, opened):
    frame = pandas.DataFrame({"a": [1.0, 2.0, 4.0], "kind": ["x", "y", "y"]})
    (frame.to_parquet if name.endswith("parquet") else functools.partial(frame.to_csv, index=False))(
        tmp_path / name
    )
    options = {"columns": ["a", "kind"], "label_column": "kind", "id_column": None, "kinds": None}
    more = (
        {} if opened is load else {"image_size": "auto", "channels": None, "skip_broken": False, "series": False}
    )
    with pytest.raises(InputError, match=f"{name}: column 'kind' is named as data and as label_column"):
        opened(str(tmp_path / name), **options, **more)
    assert opened(str(tmp_path / name), **{**options, "columns": ["a"]}, **more).columns.names == ("a",)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((7, 33, 50), "uint8"), ((7, 33, 50, 3), "float32"), ((7, 28, 28), "uint8"), ((7, 5), "f")],
)
@pytest.mark.parametrize("image_size", ["auto", None, 16])
def test_arrays_are_resized_in_pieces_as_they_are_in_memory(tmp_path, shape, dtype, image_size):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 255, shape, "uint8") if dtype == "uint8" else rng.random(shape).astype("float32")
    np.save(tmp_path / "x.npy", array)
    options = {"image_size": image_size, "channels": None, "skip_broken": False, "series": False}
    if len(shape) == 2 and image_size == 16:
        with pytest.raises(InputError, match="image_size applies to images"):
            open_source(str(tmp_path / "x.npy"), **options)
        return
    expected = load(tmp_path / "x.npy", image_size=image_size)
    source = open_source(str(tmp_path / "x.npy"), **options)
    read = [split.examples for piece in source.pieces for split in piece.read()]
    np.testing.assert_array_equal(np.concatenate(read), expected.train.examples)
    assert source.image_size == expected.image_size
