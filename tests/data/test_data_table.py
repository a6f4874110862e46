"""The user's own tables: CSV and its relatives, Parquet, Feather, and DataFrames."""

import datetime
import decimal
import logging

import numpy as np
import pandas
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from tf_gmvae.data import load
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.table import load_rows, read_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables.describing import describe


def saved(folder, text, name="own.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def kinds(dataset):
    return {column.name: column.kind for column in dataset.columns.columns}


@pytest.mark.parametrize(
    ("separator", "decimal_point", "name"),
    [(",", ".", "a.csv"), (";", ",", "a.csv"), (";", ".", "a.csv"), ("\t", ".", "a.tsv"), ("|", ".", "a.txt"),
     ("\t", ",", "a.txt")],
)  # fmt: skip
def test_separators_and_decimals(tmp_path, separator, decimal_point, name):
    lines = [("size", "colour"), ("1.5", "red"), ("-2.25", "blue"), ("3", "green"), ("", "red"), ("4e3", "")]
    text = "\n".join(separator.join(line) for line in lines)
    path = saved(tmp_path, text.replace(".", decimal_point), name)
    dataset = load(path)
    assert kinds(dataset) == {"size": "real", "colour": "category"}
    expected = [[1.5, 2], [-2.25, 0], [3, 1], [np.nan, 2], [4000, np.nan]]
    np.testing.assert_array_equal(dataset.train.examples, np.array(expected, "f4"))
    assert dataset.train.labels is None and dataset.train.ids is None and dataset.train.missing


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_ends_of_lines(tmp_path, end):
    assert load(saved(tmp_path, f"a,b{end}1,2.5{end}2,3.5{end}3,1{end}")).train.examples.tolist() == [
        [1, 2.5], [2, 3.5], [3, 1],
    ]  # fmt: skip


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert load(saved(tmp_path, "größe;n\n1;2\n3;5\n5;9\n", encoding="utf-8-sig")).columns.names == ("größe", "n")


@pytest.mark.parametrize(("encoding", "last"), [("latin-1", "\x81"), ("latin-1", "\xdc"), ("cp1252", "€")])
def test_latin_1_as_spreadsheets_write_it(tmp_path, encoding, last):
    dataset = load(saved(tmp_path, f"Größe;Ort\n1,5;Köln\n2,5;Bonn\n3,5;{last}lm\n", encoding=encoding))
    assert dataset.columns.names == ("Größe", "Ort")
    assert set(dataset.columns.columns[1].levels) == {"Bonn", "Köln", f"{last}lm"}
    assert dataset.train.examples[:, 0].tolist() == [1.5, 2.5, 3.5]


def test_utf_16_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match="is no text file: write it again as CSV in UTF-8, or as Parquet"):
        load(saved(tmp_path, "a,b\n1,2\n", encoding="utf-16"))


def test_quotes_hold_separators_quotes_and_ends_of_lines(tmp_path):
    text = 'name,"size, in cm",note\n"Smith, ""Jo""",1.5,"one\ntwo"\nLee,2,"x,y"\n"Lee",3,\n'
    table = read_table(saved(tmp_path, text))
    assert list(table) == ["name", "size, in cm", "note"]
    assert table["name"].tolist() == ['Smith, "Jo"', "Lee", "Lee"]
    assert table["note"].tolist() == ["one\ntwo", "x,y", None]


def test_no_line_of_names(tmp_path):
    dataset = load(saved(tmp_path, "1,2.5\n4,5.5\n7,1\n"))
    assert dataset.columns.names == ("column_0", "column_1")
    assert dataset.train.num_examples == 3
    assert load(saved(tmp_path, "5.1,x\n4.9,y\n4,z\n")).columns.names == ("column_0", "column_1")


@pytest.mark.parametrize("text", ["size\n1\n2\n4\n", "the size\n1\n2\n4\n", "sep=;\nsize\n1\n2\n4\n"])
def test_a_single_column(tmp_path, text):
    assert load(saved(tmp_path, text)).train.data_shape == (1,)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [";", ",", "^"])
def test_the_separator_that_excel_names_in_the_first_line(tmp_path, separator, end):
    lines = [f"sep={separator}", "a|b", "1|x", "2|y", "4|z", ""]
    path = saved(tmp_path, end.join(lines).replace("|", separator), encoding="utf-8-sig")
    assert {name: column.tolist() for name, column in read_table(path).items()} == {"a": [1, 2, 4], "b": [*"xyz"]}


@pytest.mark.parametrize("count", [150, 40])
def test_the_index_that_pandas_writes_numbers_the_rows(tmp_path, caplog, count):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count)})
    frame.to_csv(tmp_path / "own.csv")
    with caplog.at_level(logging.INFO):
        dataset = load(tmp_path / "own.csv")
    assert dataset.columns.names == ("a", "b")
    assert "column 'row' numbers the rows" in caplog.text
    np.testing.assert_allclose(dataset.train.examples, frame, rtol=1e-6)
    with_ids = load(tmp_path / "own.csv", id_column="row")
    assert with_ids.train.ids[:2].tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: download or write it again"),
        ("\n\n\n", "holds nothing but blank lines: give a table with a row for each example"),
        ("a,b\n", "has no row: give a table with a row for each example"),
        ("a,b\n1,2\n3;4\n", r"line 3 has 1 values, but line 1 has 2 \(separated by ','\)"),
        ("# made by me\na;b\n1;2\n3;4\n", "line 2 has 2 values, but line 1 has 1.*remove the lines above that of"),
        (
            "a b\n1.5 2\n 3  4\n",
            "has blanks between its values, as in '1.5 2': write it again with commas, semicol",
        ),
        (",\na,b\n1,2\n3,4\n", "names are not in the first line: remove the lines above them"),
        ("sep=;\n", "holds nothing but its separator: give a table"),
        ("sep=;\na;b\n1;2\n3\n", "line 4 has 1 values, but line 2 has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 values, but line 1 has 2"),
        ("a,b\n" + "1,2\n" * 80 + "3\n", "Expected 2 columns, got 1.*every line must have as many values"),
        ("a,b,a\n1,2,3\n2,3,4\n", "has the column 'a' twice: rename one of them"),
        ("a,,c\n1,2,3\n2,3,4\n", "column 2 has no name in the first line: give it one"),
        ("a,b\n1,\n2,\n", None),
        ("a,b\n1,1\n1,1\n", "No column is left to find clusters in: column 'a' is the same in every row"),
    ],
)
def test_what_is_no_good_table_gets_one_sentence(tmp_path, text, message):
    path = saved(tmp_path, text)
    if message is None:
        assert load(path).columns.names == ("a",)  # the empty column is left out
        return
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_no_number_is_in_a_column_of_numbers(tmp_path):
    path = saved(tmp_path, "a,b\n1,2\nx,3\n3,5\n")
    assert kinds(load(path)) == {"a": "category", "b": "real"}
    with pytest.raises(InputError, match="'a' must hold numbers, but holds 'x' in row 1"):
        load(path, kinds={"a": "real"})


@pytest.mark.parametrize(
    "word", ["", "NA", "nan", "NULL", "?", "-", '""', "#N/A", "<NA>", "NaT", "#DIV/0!", "none"]
)
def test_words_for_what_is_missing(tmp_path, word):
    examples = load(
        saved(tmp_path, f"a,b,day\n1,x,2020-01-01\n{word},y,{word}\n2.5,{word},2020-01-05\n")
    ).train.examples
    expected = [[0, 0, 0], [1, 0, 1], [0, word != "none", 0]]  # among words it is one
    np.testing.assert_array_equal(np.isnan(examples), expected)


def test_columns_labels_and_ids(tmp_path):
    path = saved(tmp_path, "id,x,kind,y\nu1,1,10,2\nu2,2,9,3\nu3,3,10,7\n")
    dataset = load(path, label_column="kind", id_column="id")
    assert dataset.columns.names == ("x", "y")
    assert dataset.class_names == ("9", "10")
    assert dataset.train.labels.tolist() == [1, 0, 1]
    assert dataset.train.ids.tolist() == ["u1", "u2", "u3"]
    assert load(path, columns=["y", "x"]).train.examples.tolist() == [[2, 1], [3, 2], [7, 3]]
    for options, message in (
        ({"label_column": "Kind"}, "has no column 'Kind' for label_column. It has: id, x, kind, y"),
        ({"id_column": "no"}, "has no column 'no' for id_column"),
        ({"columns": ["z"]}, "there is no column 'z'. There are: id, x, kind, y"),
        ({"kinds": {"z": "real"}}, "There is no column 'z' to be a real"),
    ):
        with pytest.raises(InputError, match=message):
            load(path, **options)
    with pytest.raises(InputError, match="'kind' is empty in row 1: fill it, or leave out label_column"):
        load(saved(tmp_path, "x,kind\n1,a\n2,\n3,b\n"), label_column="kind")


def test_ids_that_are_missing_or_numbers(tmp_path):
    path = saved(tmp_path, "id,x\n7,1\n,2\n12,3\n")
    assert load(path, id_column="id").train.ids.tolist() == ["7", "", "12"]


def test_a_column_that_looks_like_labels_is_told_of(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        load(saved(tmp_path, "x,Class\n1,a\n2,b\n3,c\n"))
    assert "Column 'Class' is taken as data: if it holds known classes, name it as label_column" in caplog.text


def test_dates_are_days(tmp_path):
    dataset = load(
        saved(
            tmp_path,
            "day,at\n1970-01-02,1970-01-01 12:00:00\n1970-01-11,\n"
            ",1970-01-03 00:00:00\n1970-01-05,1970-01-03 06:00:00\n",
        )
    )
    expected = [[1, 0.5], [10, np.nan], [np.nan, 2], [4, 2.25]]
    np.testing.assert_array_equal(dataset.train.examples, np.array(expected, "f4"))


def test_true_and_false(tmp_path):
    dataset = load(saved(tmp_path, "a,b\ntrue,1\nfalse,2\n,3\n"))
    assert dataset.columns.columns[0].levels == ("false", "true")
    np.testing.assert_array_equal(dataset.train.examples[:, 0], [1, 0, np.nan])


@pytest.mark.slow
def test_ten_thousand_columns(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 10_000)).round(3)
    header = ",".join(f"gene{i}" for i in range(10_000))
    np.savetxt(tmp_path / "own.csv", values, "%g", delimiter=",", header=header, comments="")
    dataset = load(tmp_path / "own.csv")
    assert len(dataset.columns) == 10_000
    np.testing.assert_allclose(dataset.train.examples, values, rtol=1e-6)


def test_a_line_may_be_longer_than_what_a_file_is_judged_by_and_than_a_block(tmp_path):
    notes = [*["x" * 30_000] * 4, "y" * (3 << 20)]
    table = read_table(saved(tmp_path, "note,a\n" + "".join(f"{note},{n}\n" for n, note in enumerate(notes))))
    assert table["note"].tolist() == notes and table["a"].tolist() == [0, 1, 2, 3, 4]


ARROW = pyarrow.table(
    {
        "size": pyarrow.array([1.5, None, 3.0, 4.0]),
        "count": pyarrow.array([1, 2, None, 300], pyarrow.int32()),
        "town": pyarrow.array(["Ulm", "Bonn", None, "Ulm"]).dictionary_encode(),
        "flag": pyarrow.array([True, None, False, True]),
        "price": pyarrow.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25"), decimal.Decimal("3.00")]),
        "half": pyarrow.array(np.array([1, 2, 3, 4.5], "float16")),
        "day": pyarrow.array(
            [datetime.date(1970, 1, 2), None, datetime.date(1971, 1, 1), datetime.date(1970, 1, 1)]
        ),
        "nothing": pyarrow.nulls(4),
        "vector": pyarrow.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 9.0]]),
    }
)  # fmt: skip
NUMBERS = [
    [1.5, 1, 1, 1, 1.5, 1, 1, 1, 2],
    [np.nan, 2, 0, np.nan, np.nan, 2, np.nan, 3, 4],
    [3, np.nan, np.nan, 0, 2.25, 3, 365, 5, 6],
    [4, 300, 1, 1, 3, 4.5, 0, 7, 9],
]


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.parquet", pyarrow.parquet.write_table), ("a.feather", pyarrow.feather.write_feather),
     ("a.arrow", pyarrow.feather.write_feather)],
)  # fmt: skip
def test_parquet_and_feather(tmp_path, name, write):
    table = ARROW.drop_columns(["half"]) if name == "a.parquet" else ARROW
    write(table, tmp_path / name)
    dataset = load(tmp_path / name)
    expected = np.array(NUMBERS, "f4") if name != "a.parquet" else np.delete(np.array(NUMBERS, "f4"), 5, axis=1)
    assert dataset.columns.names[-2:] == ("vector_0", "vector_1")
    assert kinds(dataset)["town"] == "yes_no" and kinds(dataset)["count"] == "count"
    np.testing.assert_array_equal(dataset.train.examples, expected)


def test_numbers_of_rows_are_left_out_of_whatever_type_they_are(tmp_path):
    size = np.random.default_rng(0).normal(size=120)
    for kind in (pyarrow.int64(), pyarrow.float64(), pyarrow.decimal128(38, 0)):
        table = pyarrow.table({"case": pyarrow.array(range(120)).cast(kind), "size": size})
        pyarrow.parquet.write_table(table, tmp_path / "own.parquet")
        assert load(tmp_path / "own.parquet").columns.names == ("size",)
        table.to_pandas().to_csv(tmp_path / "own.csv", index=False)
        assert load(tmp_path / "own.csv").columns.names == ("size",)
    numbers = [5, 10**18 + 1, 10**25]  # the last goes into float64 alone
    for values, kind in ((numbers[:2], "int64"), (numbers, "float64")):
        table = as_table(pyarrow.table({"a": pyarrow.array(values, pyarrow.decimal128(38, 0))}))
        assert table["a"].dtype == kind


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_damaged_files_get_a_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(InputError, match=f"{name} .*write it again"):
        load(tmp_path / name)


def test_columns_of_other_things_are_named(tmp_path):
    for column, message in (
        (pyarrow.array([[1.0], [1.0, 2.0]]), "'a': its lists have different lengths"),
        (pyarrow.array([["x"], ["y"]]), "'a': its lists hold something other than numbers"),
        (pyarrow.array([{"b": 1}, {"b": 2}]), "'a': holds struct<b: int64>, not numbers, dates or texts"),
        (pyarrow.array([[1.0], None]), "'a': has no list in 1 of 2 rows: leave such rows out"),
        (pyarrow.array([[], []], pyarrow.list_(pyarrow.float64())), "'a': its lists are empty: leave it out"),
    ):
        with pytest.raises(InputError, match=message):
            as_table(pyarrow.table({"a": column}))


def test_data_frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    values = {"a": [1.5, None, 2.0], "b": ["x", None, "y"], "c": [True, False, True]}
    frame = pandas.DataFrame(values)
    frame["b"] = frame["b"].astype("category")
    for data in (frame, polars.DataFrame(values), pyarrow.table(values)):
        table = as_table(data)
        np.testing.assert_array_equal(table["a"], [1.5, np.nan, 2.0])
        assert [value if isinstance(value, str) else None for value in table["b"]] == ["x", None, "y"]
        assert table["c"].tolist() == [True, False, True]
    twice = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(InputError, match="has the column 'a' twice"):
        as_table(twice)
    mixed = pandas.DataFrame({"mixed": [1, "x", None], "b": 1.0})
    with pytest.raises(InputError, match=r"'mixed': holds values of several types \(int, str\): make them alike"):
        as_table(mixed)
    np.testing.assert_array_equal(as_table(mixed, is_wanted="b".__eq__)["b"], [1, 1, 1])
    sparse = pandas.DataFrame({"a": [0.0, 1.0, 0.0]}).astype(pandas.SparseDtype("float", 0.0))
    with pytest.raises(InputError, match=r"has sparse columns: pass data.sparse.to_dense\(\)"):
        as_table(sparse)
    with pytest.raises(InputError, match="'Sparse': holds values of several types .*: make them alike"):
        as_table(pandas.DataFrame({"Sparse": [1, "x", None]}))  # a name is no kind
    np.testing.assert_array_equal(as_table(sparse.sparse.to_dense())["a"], [0, 1, 0])
    data = sparse.assign(b=[1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="has sparse columns: pass data.apply") as told:
        as_table(data)
    mended = eval(str(told.value).partition("pass ")[2].rstrip("."), {"data": data})
    np.testing.assert_array_equal(as_table(mended)["a"], [0, 1, 0])


def test_columns_of_pandas_kinds():
    ages = pandas.DataFrame({"age": pandas.cut([5, 40, np.nan], [0, 18, 65])})
    with pytest.raises(InputError, match=r"column 'age': holds .*interval.*: pass its .astype\(\"string\"\)"):
        as_table(ages)
    assert as_table(ages.astype("string"))["age"].tolist() == ["(0.0, 18.0]", "(18.0, 65.0]", None]
    # Numbers that are called categories are no amounts, unless they have an order.
    numbers = pandas.Categorical([3, 1, None, 3])
    frame = pandas.DataFrame({"plain": numbers, "ordered": numbers.as_ordered()})
    table = as_table(frame)
    assert table["plain"].tolist() == ["3", "1", None, "3"]
    np.testing.assert_array_equal(table["ordered"], [3, 1, np.nan, 3])
    columns, _ = describe({"plain": table["plain"]}, {"plain": "category"})
    np.testing.assert_array_equal(columns.numbers({"plain": np.array([3, 1, 1, 3])})[:, 0], [1, 0, 0, 1])
    with pytest.raises(InputError, match="has a column 'e_0', as the values of the list in column 'e'"):
        as_table(pyarrow.table({"e": [[1.0, 2.0], [3.0, 4.0]], "e_0": [9.0, 8.0]}))


def test_rows_for_a_model_of_others(tmp_path, caplog):
    columns = load(saved(tmp_path, "id,x,town\n1,1,Ulm\n2,2,Bonn\n3,4,Aue\n"), id_column="id").columns
    path = saved(tmp_path, "town,id,x,more\nBonn,9,7,a\nRom,8,,b\nRom,7,1,c\n", "new.csv")
    with caplog.at_level(logging.INFO):
        split = load_rows(path, columns, id_column="id")
    np.testing.assert_array_equal(split.examples, [[7, 1], [np.nan, np.nan], [1, np.nan]])
    assert split.ids.tolist() == ["9", "8", "7"]
    assert "column 'town' holds what it did not in training, as 'Rom' in row 1" in caplog.text
    with pytest.raises(InputError, match=r"bad.csv: The table lacks the column 'town'"):
        load_rows(saved(tmp_path, "x\n1\n2\n", "bad.csv"), columns)


def test_options_of_tables_are_refused_elsewhere():
    with pytest.raises(InputError, match="id_column applies to tables only"):
        load("digits", id_column="id")


def test_mixed_separators_are_refused_and_decimal_commas_are_not(tmp_path):
    mixed = saved(tmp_path, "a,b;c\n" + "1.5,2;x\n" * 9, "mixed.csv")
    with pytest.raises(InputError, match="mixed.csv mixes the separators ',' and ';': every line"):
        load(mixed)
    inches = saved(tmp_path, 'DN 1";DN 2";Preis, EUR\n' + '1/2";3/4";17,90\n' * 9, "inches.csv")
    with pytest.raises(InputError, match="inches.csv mixes the separators ',' and ';': every line"):
        load(inches)
    for text in ("1,5;2,5\n3,5;7,25\n2;1,5\n", "1,5;2,5\n3,5;7,25\n2,0;1,5\n"):
        found = load(saved(tmp_path, text, "german.csv")).train.examples
        np.testing.assert_allclose(found[:2], [[1.5, 2.5], [3.5, 7.25]])


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ('name,"a; b",x', 'k{0},"{0}; 5",{0}.5'),
        ('"name";"a, net";"x"', '"k{0}";"{0},5";"{0},5"'),
        ('"name";"say ""a, b""";"x"', '"k ""{0}""";"{0} or, so";"{0},5"'),
        ("sep=;\na, b, net;c;x", "k{0},;t{0};{0},5"),  # which the message offers where nothing is in quotes
    ],
)
def test_quotes_tell_which_of_two_separators_parts_the_values(tmp_path, names, line):
    path = saved(tmp_path, "\n".join([names, *map(line.format, range(9))]))
    table = read_table(path)
    assert len(table) == 3
    np.testing.assert_array_equal(table["x"], np.arange(9) + 0.5)
    if names.startswith("sep"):
        with pytest.raises(InputError, match="or put a line that names the right one, as sep=;, above all others"):
            read_table(saved(tmp_path, path.read_text().removeprefix("sep=;\n")))


@pytest.mark.parametrize(
    "ids",
    [
        ("00012", "00013", "7"),
        ("12345678901234567890", "12345678901234567891", "12345678901234567892"),
        ("2024-01-01", "2024-01-02", "2024-01-03"),
        ("1e1", "2e2", "3e3"),
        ("9007199254740995", "", "9007199254740997"),
    ],
)
def test_ids_are_those_of_the_file(tmp_path, ids):
    path = saved(tmp_path, "id,x\n" + "".join(f"{each},{number}\n" for number, each in enumerate(ids)))
    assert load(path, id_column="id").train.ids.tolist() == list(ids)
    assert load_rows(path, load(path, id_column="id").columns, "id").ids.tolist() == list(ids)


def test_ids_of_parquet_are_whole_though_one_is_missing(tmp_path):
    table = pyarrow.table({"id": pyarrow.array([2**53 + 3, None, 5]), "x": [1.0, 2.0, 4.0]})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet", id_column="id").train.ids.tolist() == [str(2**53 + 3), "", "5"]


@pytest.mark.parametrize(
    ("first", "lines", "names"),
    [
        ("0,1,2", ("5,6,7", "7,8,8"), ["0", "1", "2"]),  # of pandas without names
        (",0,1", ("0,5,6.5", "1,7,8"), ["row", "0", "1"]),  # and with its index
        (",0", ("0,5", "1,7"), ["row", "0"]),
        ("0,1", ("0.5,6", "7,8"), ["0", "1"]),
        ("region,2019,2020", ("north,5,9", "south,7,3"), ["region", "2019", "2020"]),
        ("size,2020", ("5,6", "7,8"), ["size", "2020"]),
        ("0,1", ("1,1", "0,1"), None),
        ("0,1,2", ("1,0,1", "0,0,1"), ["0", "1", "2"]),
        ("5,?,3", ("5,1,3", "7,2,8"), None),
        ("north,1,2", ("south,5,6", "west,3,4"), None),
        ("north,5,7", ("south,5,6", "west,3,8"), None),
        ("3", ("4", "5"), None),
    ],
)
def test_a_line_of_names_may_hold_numbers(tmp_path, caplog, first, lines, names):
    with caplog.at_level(logging.INFO):
        table = read_table(saved(tmp_path, "\n".join([first, *lines]) + "\n"))
    assert list(table) == (names or [f"column_{number}" for number in range(first.count(",") + 1)])
    assert all(len(values) == len(lines) + (names is None) for values in table.values())
    assert ("first line is taken as data" in caplog.text) == (names is None)
    assert ("first line is taken as names" in caplog.text) == (names is not None)


def test_spaces_behind_commas_are_no_values(tmp_path):
    table = read_table(saved(tmp_path, "a, b, c\n1, 2, Ulm\n3, , NA\n5, ?, Bonn \n"))
    np.testing.assert_array_equal(table["b"], [2, np.nan, np.nan])
    assert list(table) == ["a", "b", "c"] and table["c"].tolist() == ["Ulm", None, "Bonn"]


def test_times_are_seconds_of_the_day(tmp_path):
    table = read_table(saved(tmp_path, "at,x\n00:00:01,1\n12:00:00,2\n,3\n"))
    np.testing.assert_array_equal(table["at"], [1, 43_200, np.nan])


def test_classes_are_in_order_whatever_their_digits(tmp_path):
    path = saved(tmp_path, "x,y\n1,②\n2,①\n3,10\n4,9\n")
    assert load(path, label_column="y").class_names == ("9", "10", "①", "②")
