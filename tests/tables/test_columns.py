"""What the columns of a table are found to hold, and rows as numbers."""

import datetime
import itertools
import re

import numpy as np
import pytest

from tf_gmvae.errors import InputError
from tf_gmvae.tables import Columns
from tf_gmvae.tables.describing import describe, of_array, scaled
from tf_gmvae.tables.levels import numbers_first
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from tf_gmvae.tables.precision import Days, merged_of_array

RNG = np.random.default_rng(0)


def objects(*values):
    return np.array(values, dtype=object)


TABLE = {
    "height": RNG.normal(170, 10, 200),
    "clicks": np.append(RNG.poisson(3, 198), [0, 900]),
    "member": np.tile([0, 1], 100),
    "answer": objects(*["yes", "no"] * 100),
    "colour": objects(*["red", "green", "blue", None] * 50),
    "rooms": RNG.integers(1, 8, 200),
}


def test_kinds_are_guessed():
    columns, left_out = describe(TABLE)
    kinds = {column.name: column.kind for column in columns.columns}
    assert kinds == {
        "height": "real", "clicks": "count", "member": "yes_no", "answer": "yes_no", "colour": "category",
        "rooms": "real",
    }  # fmt: skip
    assert left_out == ()
    assert columns.in_words() == "2 numbers, 1 count, 2 yes/no, 1 category"
    by_name = {column.name: column for column in columns.columns}
    assert by_name["colour"].levels == ("blue", "green", "red")
    assert by_name["member"].levels == ("0", "1")
    assert by_name["height"].center[0] == pytest.approx(TABLE["height"].mean(), rel=1e-6)
    assert by_name["height"].scale == pytest.approx(TABLE["height"].std(), rel=1e-5)
    assert by_name["clicks"].center[0] == pytest.approx(np.log1p(TABLE["clicks"]).mean(), rel=1e-5)
    np.testing.assert_allclose(by_name["colour"].center, [1 / 3] * 3)
    assert by_name["colour"].scale == pytest.approx(np.sqrt(3 * 1 / 3 * 2 / 3))


def test_kinds_may_be_declared():
    columns, _ = describe(TABLE, {"rooms": "category", "clicks": "real"})
    by_name = {column.name: column for column in columns.columns}
    assert by_name["rooms"].levels == ("1", "2", "3", "4", "5", "6", "7")
    assert by_name["clicks"].kind == "real"
    numbered, _ = describe({"0": TABLE["rooms"]}, {0: "category"})  # as pandas names the columns of an array
    assert numbered.columns[0].kind == "category"
    for kinds, sentence in (
        ({"nothing": "real"}, "no column 'nothing'"),
        ({"rooms": "colour"}, "one of real, count, yes_no, category. Received for 'rooms': 'colour'"),
        ({"colour": "yes_no"}, "Column 'colour' has 3"),
        ({"height": "count"}, "Column 'height' must hold counts"),
        ({"colour": "real"}, "Column 'colour' must hold numbers, but holds 'red' in row 0"),
    ):
        with pytest.raises(InputError, match=sentence):
            describe(TABLE, kinds)


def test_columns_that_say_nothing_of_clusters_are_left_out_and_said():
    columns, left_out = describe(
        {
            **TABLE,
            "empty": np.full(200, np.nan),
            "same": np.ones(200),
            "far": 1e9 + np.random.default_rng(0).normal(size=200),
            "row": np.arange(200),
            "name": objects(*(f"n{i}" for i in range(200))),
            "town": objects(*[str(i % 60) + "x" for i in range(200)]),
        }
    )
    assert columns.names == tuple(TABLE)
    said = (
        "is empty",
        "same in every row",
        "varies by 0.96 about 1000000000, less than float32 tells apart there",
    )
    said += ("numbers the rows", "identifier", "60 different")
    assert len(left_out) == len(said)
    for sentence, words in zip(left_out, said, strict=True):
        assert words in sentence
    with pytest.raises(InputError, match="No column is left to find clusters in: column 'same'"):
        describe({"same": np.ones(3)})


@pytest.mark.parametrize("name", ["row", "Index", "ID", "Unnamed: 0", "__index_level_0__", "age"])
def test_an_index_of_few_rows_is_known_by_its_name(name):
    table = {name: np.arange(1, 41), "height": TABLE["height"][:40]}
    assert describe(table)[0].names == (("age", "height") if name == "age" else ("height",))
    # As who wants it says, and where it does not number the rows; without a name it does in any order.
    assert name in describe(table, {name: "real"})[0].names
    shuffled = np.random.default_rng(0).permutation(100)[:40]
    assert (name in describe({**table, name: shuffled})[0].names) == (name == "age")
    assert name in describe({**table, name: shuffled // 2})[0].names


@pytest.mark.parametrize(
    "name",
    [
        "id", "customer_id", "customerId", "PatientID", "ID Kunde", "Nr", "Lfd. Nr.", "KundenNr", "Kundennummer",
        "House number", "order no.", "primary-key", "Index", "Schlüssel", "Kennung",
    ],
)  # fmt: skip
def test_different_whole_numbers_under_the_name_of_an_identifier_are_left_out(name):
    numbers = 10_000 + np.random.default_rng(0).permutation(40)
    table = {name: numbers, "height": TABLE["height"][:40]}
    columns, said = describe(table)
    assert columns.names == ("height",)
    assert said == (
        f"column {name!r} has the name of an identifier, and no whole number of it twice, so it is left out "
        "(declare it real, if it is an amount)",
    )
    missing = np.where(numbers % 5, numbers.astype("float64"), np.nan)
    large = numbers + 4_000_000_000  # of which float32 holds hardly any
    for values, gone in ((missing, True), (large, True), (numbers // 2, False), (numbers / 2 + 0.25, False)):
        assert (name not in describe({**table, name: values})[0].names) == gone
    kept, said = describe(table, {name: "real"})
    assert name in kept.names and not said


@pytest.mark.parametrize(
    "name", ["paid", "casino", "monkey", "no2", "numbers", "keyboard", "index_of_rooms", "mass index"]
)
def test_names_that_only_look_like_that_of_an_identifier_are_data(name):
    columns, said = describe({name: RNG.permutation(40), "height": TABLE["height"][:40]})
    assert name in columns.names and not said


def test_whole_numbers_that_rise_from_row_to_row_are_told_of():
    table = {"member": np.array([1, 2, 3, 5, 6, 8, 9, 10, 12, 13, 20]), "height": TABLE["height"][:11]}
    columns, said = describe(table)
    assert columns.names == ("member", "height")
    assert said == (
        "column 'member' rises from row to row: if it is an identifier, name it as id_column, or leave it out",
    )
    assert not describe(table, {"member": "real"})[1]
    for values in (table["member"][::-1], table["member"] // 2, table["member"] / 2):
        assert not describe({**table, "member": values})[1]
    assert not describe({name: values[:9] for name, values in table.items()})[1]


@pytest.mark.parametrize("kind", ["int64", "float64", "float32"])
def test_numbers_of_rows_may_be_floats(kind):
    numbers, size = np.arange(1, 201), RNG.normal(size=200)
    columns, said = describe({"case": numbers.astype(kind), "row": numbers[::-1].astype(kind), "size": size})
    assert columns.names == ("size",)
    assert said == tuple(f"column '{name}' numbers the rows, so it is left out" for name in ("case", "row"))
    # Neither fractions nor days in their order number any rows, nor do seconds that rise.
    for values in (numbers / 2, np.append(numbers[:-1], np.nan), (numbers + 19_000.0).view(Days), numbers * 7.0):
        columns, said = describe({"case": values, "size": size})
        assert columns.names == ("case", "size") and not said


def test_whole_numbers_that_float64_merges_are_not_said_to_be_one():
    left_out = describe({"a": np.full(60, 1e25), "b": np.full(60, 1e15), "x": RNG.normal(size=60)})[1]
    assert left_out == (
        "column 'a' is the same in every row, to the 15 digits that float64 tells apart",
        "column 'b' is the same in every row",
    )


def test_columns_that_are_not_what_they_seem_are_said():
    numbers = list(map(str, RNG.normal(size=60)))
    percent = objects(*numbers[:7], "31.3%", None, *numbers[9:])
    table = {"few": objects(*["1", "2.5", "4", None, "some"] * 12), "x": RNG.normal(size=60)}
    columns, said = describe({"percent": percent, **table, "words": objects(*"aab12c" * 10)})
    assert columns.names == ("few", "x", "words")
    assert said == (
        "column 'percent' is mostly numbers, but for 1 value, '31.3%' in row 7 (repair it, or leave it empty), so "
        "it is left out",
        "column 'few' is mostly numbers, but for 12 values, as 'some' in row 4 (repair them, or leave them "
        "empty), so it is a category",
    )
    assert not describe(table, {"few": "category"})[1]


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d-%m-%y", "%Y/%m/%d", "%d.%m.%Y %H:%M"])
def test_dates_in_a_form_that_is_not_read_are_said(form):
    days = [datetime.date(2023, 1, 1) + datetime.timedelta(n) for n in range(60)]
    texts = [day.strftime(form) for day in days]
    texts[1] = "unknown"
    table = {"day": objects(None, *texts), "x": RNG.normal(size=61)}
    said = (
        f"column 'day' seems to hold dates, as {texts[0]!r}, but such are read only as 2023-12-24 (write them so)"
    )
    columns, (left_out,) = describe(table)
    assert columns.names == ("x",) and left_out == f"{said}, so it is left out"
    few = {**table, "day": objects(None, *(texts[:3] * 20))}
    assert describe(few)[1] == (f"{said}, so it is a category",)
    assert not describe(few, {"day": "category"})[1]
    versions = objects(*(f"1.{n}.1.0" for n in range(61)))
    assert "dates" not in describe({**table, "day": versions})[1][0]


@pytest.mark.parametrize(
    ("values", "is_said"),
    [
        (1.7e9 + np.arange(90), True), (1.7e9 + 80 * np.arange(90), False), (np.arange(90) / 90, False),
        (RNG.permutation(90) + 1_700_000_000, True), (np.repeat(np.arange(9), 10) + 1e-12 * RNG.random(90), False),
    ],
)  # fmt: skip
def test_what_float32_hardly_tells_apart_is_said(values, is_said):
    columns, said = describe({"t": values, "x": RNG.normal(size=90)})
    assert columns.names == ("t", "x") and len(said) == is_said
    mend = r"column 't' has 90 different values, of which float32 tells 2 apart: subtract 17000000.* from it"
    assert all(re.fullmatch(mend, sentence) for sentence in said)


def test_numbers_as_texts_are_told_of_where_they_are_left_out():
    codes = objects(*(f"{number:05d}" for number in range(90)))
    columns, said = describe({"code": codes, "x": RNG.normal(size=90)})
    assert columns.names == ("x",)
    mend = "pass its astype(float), if amounts"
    assert said == (f"column 'code' holds 90 different numbers as texts ({mend}), so it is left out",)


def test_columns_of_an_array_that_float32_merges_are_said_at_once():
    rows = RNG.normal(size=(90, 4))
    rows[:5, 1] = np.nan
    assert not merged_of_array(rows) and not merged_of_array(rows * 1e-9)
    rounding = np.full((90, 1), 0.1) + 1e-17 * RNG.integers(2, size=(90, 1))
    assert not merged_of_array(np.c_[rows, rounding]) and not merged_of_array((rows + 1e8).astype("float32"))
    assert re.fullmatch(
        r"columns 1, 3 have up to 90 different values, of which float32 tells at most \d apart: subtract their "
        r"means first, as by data - numpy.nanmean\(data, axis=0\)",
        merged_of_array(rows + np.array([0, 1e8, 0, 1e9])),
    )
    one = "column 2 has 2 different values, of which float32 tells 1 apart: subtract its mean first"
    whole = np.arange(8).reshape(2, 4) * [1, 1, 1, 100] + [0, 0, 2_000_000_001, 0]
    assert merged_of_array(whole).startswith(one)


def test_levels_may_be_larger_than_float32_tells_apart():
    codes = 4_000_000_001 + np.arange(60) % 3
    table = {"code": codes, "flag": codes % 2 + 2**60, "size": RNG.normal(size=60)}
    columns, left_out = describe(table, {"code": "category"})
    assert [column.kind for column in columns.columns] == ["category", "yes_no", "real"] and not left_out
    np.testing.assert_array_equal(columns.numbers(table)[:4, :2], [[0, 1], [1, 0], [2, 1], [0, 1]])


def test_rows_become_numbers_and_come_back():
    columns, _ = describe(TABLE)
    rows = columns.numbers(dict(reversed(TABLE.items())) | {"more": np.zeros(200)})
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[:, 0], TABLE["height"], rtol=1e-6)
    np.testing.assert_array_equal(rows[:4, 4], [2, 1, 0, np.nan])
    back = columns.values(rows)
    assert back["colour"][:4].tolist() == ["red", "green", "blue", ""]
    assert back["answer"][:2].tolist() == ["yes", "no"]
    assert Columns.from_config(columns.as_config()) == columns


def test_new_rows_may_hold_what_was_not_there():
    columns, _ = describe(TABLE)
    new = {**{name: values[:2] for name, values in TABLE.items()}, "colour": objects("violet", "red")}
    new |= {"member": np.array([1.0, np.nan]), "answer": objects("no", ""), "height": objects("180.5", None)}
    np.testing.assert_allclose(columns.numbers(new)[:, 2:5], [[1, 0, np.nan], [np.nan, np.nan, 2]])
    np.testing.assert_allclose(columns.numbers(new)[:, 0], [180.5, np.nan])
    del new["rooms"], new["height"]
    with pytest.raises(InputError, match="lacks the columns 'height', 'rooms': the model was trained with them"):
        columns.numbers(new)


def test_levels_have_one_order_whatever_the_order_of_a_set():
    """That of texts differs from process to process; pandas writes nan for a gap in numbers that become texts."""
    for levels in itertools.permutations(["2.0", "nan", "10", "a", "1.0"]):
        assert sorted(levels, key=numbers_first) == ["1.0", "2.0", "10", "a", "nan"]


def test_bools_and_numbers_of_the_same_level_are_the_same():
    columns, _ = describe({"flag": np.array([True, False, True]), "x": np.arange(3.0)})
    assert columns.columns[0].levels == ("false", "true")
    for same in (objects(True, None, False), objects(1, None, 0), np.array([1.0, np.nan, 0.0], "float32")):
        again = columns.numbers({"flag": same, "x": np.zeros(3)})
        np.testing.assert_array_equal(again[:, 0], [1, np.nan, 0])


@pytest.mark.parametrize("of_fit", ["float32", "float64"])
def test_levels_are_the_same_in_either_precision(of_fit):
    rates = np.tile([0.1, 0.7, 1 / 3], 20)
    columns, _ = describe({"rate": rates.astype(of_fit), "x": np.arange(60.0)}, {"rate": "category"})
    expected = columns.numbers({"rate": rates.astype(of_fit), "x": np.zeros(60)})
    for dtype in ("float32", "float64"):
        np.testing.assert_array_equal(columns.numbers({"rate": rates.astype(dtype), "x": np.zeros(60)}), expected)
    assert not np.isnan(expected).any()
    other = columns.numbers({"rate": np.array([0.2, 1e300]), "x": np.zeros(2)})  # levels that were not there
    assert np.isnan(other[:, 0]).all()


@pytest.mark.parametrize("unit", [1e-30, 1e-7, 1.0, 1e30])
def test_scales_follow_the_unit(unit):
    columns, _ = describe({"x": unit * RNG.normal(size=100)})
    rows = columns.numbers({"x": unit * RNG.normal(size=1000)})
    assert ColumnsLikelihood(columns).features()(rows).numpy().std() == pytest.approx(1, rel=0.2)


def test_what_differs_by_rounding_alone_has_no_part():
    steps = np.array([0.3, np.nextafter(np.float32(0.3), np.float32(1))] * 50, "float32")
    hour = 1.7e12 + RNG.uniform(0, 3.6e6, 100)  # milliseconds: few steps of float32, and yet of use
    columns = of_array(np.stack([steps, hour, hour * 0 + 1.7e12], axis=1).astype("float32"))
    assert [column.varies for column in columns.columns] == [False, True, False]
    features = ColumnsLikelihood(columns).features()(np.array([[0.3, 1.7e12, 1.7e12 + 2e5]], "float32")).numpy()
    assert np.abs(features).max() < 3
    assert Columns.from_config(columns.as_config()) == columns
    old = [{name: value for name, value in each.items() if name != "varies"} for each in columns.as_config()]
    assert Columns.from_config(old).columns[1] == columns.columns[1]  # as earlier versions wrote them


def test_a_deviation_of_exactly_one_counts_in_a_common_scale():
    columns = scaled(of_array(np.array([[1, 0.01], [-1, -0.01]], "float32")), "common")
    assert columns.columns[0].scale == pytest.approx(np.sqrt((1 + 1e-4) / 2), rel=1e-5)


def test_columns_of_an_array_are_all_real_even_where_they_do_not_vary():
    columns = of_array(np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 2.0]], "float32"))
    assert [column.kind for column in columns.columns] == ["real"] * 3
    assert [column.scale for column in columns.columns] == [1.0, 1.0, 1.0]
    assert [column.center[0] for column in columns.columns] == [2.0, 5.0, 2.0]


def test_values_too_large_are_named():
    with pytest.raises(InputError, match="'x' holds an infinite value, or one too large for float32, in row 1"):
        describe({"x": np.array([1.0, 1e300, 2.0])})


def test_columns_of_a_common_scale_keep_their_proportions():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(500, 3)) * [1, 2, 4] + [0, 100, -5]).astype("float32")
    rows = np.hstack([rows, np.full((500, 1), 7.0, "float32")])
    columns = scaled(of_array(rows), "common")
    varying = rows[:, :3].astype("float64")
    shared = np.sqrt(varying.var(axis=0).mean())
    assert [column.scale for column in columns.columns] == pytest.approx([shared] * 4, rel=1e-5)
    features = ColumnsLikelihood(columns).features()(rows).numpy()
    np.testing.assert_allclose(features[:, :3], (varying - varying.mean(axis=0)) / shared, atol=1e-4)
    np.testing.assert_array_equal(features[:, 3], 0)
    assert scaled(of_array(rows), "each") == of_array(rows)
    table = {"a": rows[:, 0], "b": rows[:, 2], "c": np.array(["x", "y", "z", "x", "y"] * 100)}
    described, _ = describe(table)
    mixed = scaled(described, "common")
    assert mixed.columns[0].scale == mixed.columns[1].scale != described.columns[1].scale
    assert mixed.columns[2] == described.columns[2]
    with pytest.raises(InputError, match='must be "each" or "common"'):
        scaled(described, "none")


def test_numbers_that_stand_for_no_level_are_found():
    columns, _ = describe(
        {"x": np.array([1.0, 2.0, 4.5]), "colour": np.array(["a", "b", "c"]), "open": np.array(["n", "y", "n"])}
    )
    rows = [[-9, 0, 0], [0.5, 2, 1], [9, np.nan, np.nan], [0, 3, 0.5], [0, -1, -1], [0, 0.5, 1.5]]
    found = columns.no_levels(np.array(rows, "float32"))
    assert {name: np.flatnonzero(odd).tolist() for name, odd in found.items()} == {
        "colour": [3, 4, 5],
        "open": [4, 5],
    }
