"""Tables that are read block by block say the same as those that are read whole."""

import datetime
import io

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from tf_gmvae import InputError
from tf_gmvae.data import table
from tf_gmvae.tables.columns import Column, Columns
from train.run import table_blocks

RNG = np.random.default_rng(0)
COUNT = 40
FRAME = pd.DataFrame(
    {
        "code": [f"{number:05}" for number in range(COUNT)],
        "size": RNG.normal(5, 2, COUNT).round(4),
        "visits": RNG.poisson(9, COUNT),
        "colour": RNG.choice(["red", "green", "light blue"], COUNT),
        "open": RNG.random(COUNT) < 0.5,
        "grade": RNG.choice([1, 2, 5], COUNT),
        "since": pd.date_range("2021-01-05", periods=COUNT, freq="31D").strftime("%Y-%m-%d"),
        "seen": pd.date_range("2021-01-05 10:30", periods=COUNT, freq="1031min").strftime("%Y-%m-%dT%H:%M:%S"),
        "at": [datetime.time(number % 24, 30).isoformat("minutes") for number in range(COUNT)],
    }
)


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """Of the model that the rows are for."""
    path = tmp_path_factory.mktemp("blocks") / "trained.csv"
    FRAME.to_csv(path, index=False)
    return table.load_table(path, id_column="code", kinds={"grade": "category"}).columns


def read(path, columns, id_column="code"):
    """All that the blocks of a file hold: ids, numbers, rows that do not count with a sentence, and new levels."""
    odd, ids, numbers, unseen = [], [], [], 0
    for batch, _ in table_blocks.of_delimited(
        io.BytesIO(path.read_bytes()), "\t" if path.suffix == ".tsv" else ",", columns, id_column, odd
    ):
        block = pyarrow.Table.from_batches([batch])
        found = table_blocks.rows(block, str(path), columns, id_column)
        numbers.append(found.numbers)
        ids.extend(found.ids)
        assert found.ids.tolist() == table_blocks.ids(block, id_column).tolist()
        unseen += found.num_unseen
    return ids, np.concatenate(numbers), odd, unseen


def with_ids(*ids):
    return FRAME.assign(code=[*ids, *FRAME["code"][len(ids) :]])


def with_blanks(frame):
    return "\n".join(", ".join(line.split(",")) for line in frame.to_csv(index=False).splitlines())


FILES = {
    "as it is": FRAME,
    "columns in another order, and others": FRAME[FRAME.columns[::-1]].assign(more=1.5, again="2021-01-01"),
    "missing values": FRAME.mask(RNG.random(FRAME.shape) < 0.3).assign(code=FRAME["code"]),
    "words for missing values": FRAME.astype(object).mask(RNG.random(FRAME.shape) < 0.3, "NA"),
    "and in numbers": FRAME.astype(object).assign(size=["none", "#N/A", "na", *FRAME["size"][3:]], grade="none"),
    "ids of all kinds": with_ids("00012", "12", "1e3", "NA", "", "2020-01-01 00:00", "x y", "1.50"),
    "whole numbers with a point": FRAME.assign(grade=FRAME["grade"].astype(float), visits=FRAME["visits"] + 0.0),
    "blanks": with_blanks(FRAME),
    "a byte-order mark and CRLF": "\ufeff" + FRAME.to_csv(index=False, lineterminator="\r\n"),
    "blank lines first": "\n\n" + FRAME.to_csv(index=False),
    "quotes": FRAME.to_csv(index=False, quoting=1),
    "no dates": FRAME.assign(since="", seen="", at=""),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_blocks_say_what_the_whole_says(name, suffix, columns, tmp_path):
    file, path = FILES[name], tmp_path / f"rows{suffix}"
    text = file if isinstance(file, str) else file.to_csv(index=False)
    path.write_text(text if suffix == ".csv" else text.replace(",", "\t"), encoding="utf-8", newline="")
    whole = table.load_rows(path, columns, "code")
    ids, numbers, odd, unseen = read(path, columns)
    assert ids == whole.ids.tolist() and odd == [] and unseen == 0
    np.testing.assert_array_equal(numbers, whole.examples)
    assert np.isfinite(numbers[:, 0]).any()


def test_parquet_is_read_as_a_whole_table_is(tmp_path):
    """Days that are a category, an embedding in lists, what nobody asked for, and a word that is a level here."""
    days = [datetime.date(2021, 1, 1 + number % 3) for number in range(COUNT)]
    held = {
        "code": range(COUNT), "size": RNG.normal(size=COUNT), "day": days,
        "colour": RNG.choice(["red", "green", "NA"], COUNT), "place": list(RNG.normal(size=(COUNT, 2))),
        "more": [{"of": number} for number in range(COUNT)],
    }  # fmt: skip
    asked = {name: values for name, values in held.items() if name != "more"} | {"day": list(map(str, days))}
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table(asked), path)
    trained = table.load_table(path, id_column="code", kinds={"day": "category"})
    columns = trained.columns
    np.testing.assert_array_equal(table.load_rows(path, columns).examples, trained.train.examples)
    pyarrow.parquet.write_table(pyarrow.table(held), path)
    whole = table.load_rows(path, columns, "code")
    (batch,) = pyarrow.parquet.ParquetFile(path).iter_batches()
    found = table_blocks.rows(pyarrow.Table.from_batches([batch]), str(path), columns, "code")
    np.testing.assert_array_equal(found.numbers, whole.examples)
    assert found.ids.tolist() == whole.ids.tolist() and np.isfinite(found.numbers).all()
    own = [Column("colour", "category", ("NA", "green", "red"), (0.3, 0.3, 0.4)), Column("size", "real")]
    path = tmp_path / "rows.csv"
    path.write_text("code,colour,size\n1,NA,NA\n2,None,2\n3,red,3\n")
    expected = [[0, np.nan], [np.nan, 2], [2, 3]]
    np.testing.assert_array_equal(read(path, Columns(tuple(own)))[1], expected)
    np.testing.assert_array_equal(table.load_rows(path, Columns(tuple(own))).examples, expected)


@pytest.mark.parametrize(
    "kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
)
def test_dates_and_numbers_as_texts_of_parquet(kind, columns, tmp_path):
    """As they are read from a text file, where nothing says of which type they are."""
    frame = FRAME.mask(RNG.random(FRAME.shape) < 0.2).assign(code=FRAME["code"])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    expected = table.load_rows(tmp_path / "rows.csv", columns, "code").examples
    names = ["size", "visits", "since", "seen", "at"]
    texts = {name: [None if pd.isna(value) else str(value) for value in frame[name]] for name in names}
    held = pyarrow.Table.from_pandas(frame)
    for name, values in texts.items():
        held = held.set_column(
            held.column_names.index(name), name, pyarrow.array(values, pyarrow.string()).cast(kind)
        )
    pyarrow.parquet.write_table(held, tmp_path / "rows.parquet")
    np.testing.assert_array_equal(table.load_rows(tmp_path / "rows.parquet", columns, "code").examples, expected)
    (batch,) = pyarrow.parquet.ParquetFile(tmp_path / "rows.parquet").iter_batches()
    found = table_blocks.rows(pyarrow.Table.from_batches([batch]), "rows", columns, "code")
    np.testing.assert_array_equal(found.numbers, expected)


def test_ids_of_another_type_end_nothing(columns, tmp_path):
    """Arrow reads a megabyte at a time, and would go by the type of the first."""
    path = tmp_path / "rows.csv"
    many = pd.concat([FRAME] * 700, ignore_index=True)
    many["code"] = [*map(str, range(25_000)), *(f"A{number}" for number in range(25_000, len(many)))]
    many.assign(further=many["code"]).to_csv(path, index=False)
    ids, numbers, odd, _ = read(path, columns)
    assert ids == many["code"].tolist() and len(numbers) == len(many) and not odd


def test_lines_of_other_lengths_and_levels_that_are_new_are_told(columns, tmp_path):
    path = tmp_path / "rows.csv"
    frame = FRAME.assign(colour=["mauve", *FRAME["colour"][1:]])
    path.write_text(frame.to_csv(index=False) + "short,5\n")
    ids, numbers, ((row, sentence),), unseen = read(path, columns)
    assert len(ids) == row == COUNT and "has 2 values in place of 9: 'short,5'" in sentence
    assert unseen == 1 and np.isnan(numbers[0, columns.names.index("colour")])


def test_words_for_what_is_missing_are_no_new_levels(columns):
    block = pyarrow.Table.from_pandas(FRAME.assign(colour=["NA", "mauve", *FRAME["colour"][2:]]))
    assert table_blocks.rows(block, "rows", columns, "code").num_unseen == 1


def test_line_breaks_in_quotes_and_rows_that_do_not_count(columns, tmp_path):
    """Of several megabytes, since Arrow reads one at a time: every row is there, with its number in the file."""
    path, count = tmp_path / "rows.csv", 5000
    many = pd.concat([FRAME] * (count // COUNT), ignore_index=True).assign(code=[f"c{n}" for n in range(count)])
    many["no\nte"] = 'one\ntwo, "three" ' + "x" * 500
    lines = many.to_csv(index=False).split('x"\n')
    for row in (4321, 70, 3, 3):
        lines.insert(row, "1,2\n\n" + lines.pop(row))
    path.write_text('x"\n'.join(lines), newline="")
    assert path.stat().st_size > 2 << 20
    odd, found = [], {}
    content = io.BytesIO(path.read_bytes())
    for batch, numbers in table_blocks.of_delimited(content, ",", columns, "code", odd):
        found |= dict(zip(numbers.tolist(), batch["code"].to_pylist(), strict=True))
    names = many["code"].tolist()
    for row in (3, 4, 72, 4324):  # each moves those after it
        names.insert(row, None)
    assert found == {number: name for number, name in enumerate(names) if name}
    assert [number for number, _ in odd] == [3, 4, 72, 4324] and "has 2 values in place of 10" in odd[0][1]


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_a_file_of_names_alone_has_no_row(columns, end):
    odd, content = [], io.BytesIO((",".join(FRAME.columns) + end).encode())
    assert list(table_blocks.of_delimited(content, ",", columns, "code", odd)) == [] == odd


def test_what_does_not_go_with_the_model_is_named(columns, tmp_path):
    path = tmp_path / "rows.csv"
    for text, message in (
        ("\n \n", "nothing but blank lines"),
        ("size,size\n1,2\n", "column 'size' twice"),
        ('"' + "a" * 200_000, "no names of columns"),
        ("a,b\n1,2\n", "lacks the columns 'size'"),
        (FRAME.assign(size="wide").to_csv(index=False), "'size' must hold numbers, but holds 'wide'"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read(path, columns)
