"""Tables in text files: comma, semicolon, tab or bar between the values."""

from __future__ import annotations

import contextlib
import csv
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tf_gmvae.data import decimal_signs, open_quotes
from tf_gmvae.data.first_lines import layout_of
from tf_gmvae.data.reading import reading
from tf_gmvae.data.texts import NULLS, NULLS_OF_NUMBERS, SIGNS, with_point, without_nulls
from tf_gmvae.errors import InputError, in_short

if TYPE_CHECKING:
    import pyarrow

# As `"b"` in the line `a, "b"`: only quotes that follow on the separator itself are none of the text.
_IN_QUOTES = re.compile(r'\s+".*"\s*', re.DOTALL)
# Rows in which such texts are sought.
_LOOKED_AT = 1000

log = logging.getLogger(__name__)


def read_delimited(
    path: str | Path,
    is_text: Callable[[str], bool] = lambda name: False,
    is_wanted: Callable[[str], bool] = lambda name: True,
) -> pyarrow.Table:
    """Reads a table from a text file.

    Args:
        path: file in UTF-8, or else in Windows-1252 or Latin-1; a byte-order mark is left aside.
        is_text: function of a column's name to whether its values are texts, whatever they look like, as ids are:
            the word for a missing value is one of them. Default: none is.
        is_wanted: function of a column's name to whether it is of use: numbers of others that can be read in two
            ways stay texts, and those without a name are left out. Default: all are.

    Returns:
        `pyarrow.Table`; without a line of names, columns are column_0, column_1 and so on.

    Raises:
        InputError: if it is no such table.
    """
    layout = layout_of(path, is_wanted)
    texts = {index for index, name in enumerate(layout.names) if layout.first is not None and is_text(name)}
    sampled = decimal_signs.of_sample(layout, texts)
    table = _parsed(layout, "," if sampled == {","} else ".", texts)
    if len(layout.names) == 1 and (blank := _blank_lines(layout)):
        log.warning(
            "%s: %s between its rows %s left out, as no row: where a value is missing, write NA.",
            path, f"{blank:,} blank lines" if blank > 1 else "1 blank line", "are" if blank > 1 else "is",
        )  # fmt: skip
    if odd := _behind_blanks(layout, table, is_wanted):
        log.warning(
            "%s: the quotes of %s are a part of it, since a blank stands before them: write the file again "
            "without blanks between separators and quotes.",
            path, odd.strip(),
        )  # fmt: skip
    named = [place for place, name in enumerate(layout.names) if name]
    return _with_numbers(layout, table, sampled, texts, is_wanted).select(named)


def _blank_lines(layout):
    """How many there are between the rows of a single column, where they may stand for missing values."""
    with open(layout.path, encoding=layout.encoding, newline="") as file, contextlib.suppress(csv.Error):
        held = [place for place, row in enumerate(csv.reader(file, delimiter=layout.separator)) if row]
        return held[-1] - held[0] + 1 - len(held)
    return 0


def _behind_blanks(layout, table, is_wanted):
    """The first name, or text of the first rows, that is in quotes, but for a blank before them; or None."""
    import pyarrow

    # Whoever asks for b means the column that is called "b" so.
    found = [text for text in layout.first or () if is_wanted(text.strip()) or is_wanted(text.strip(' "'))]
    for name, column in zip(layout.names, table.columns, strict=True):
        if is_wanted(name) and pyarrow.types.is_string(column.type):
            found += column.slice(0, _LOOKED_AT).to_pylist()
    return next((text for text in found if text and _IN_QUOTES.fullmatch(text)), None)


def _parsed(layout, decimal, texts):
    import pyarrow
    from pyarrow import csv as arrow_csv

    names = layout.first or [f"f{index}" for index in range(len(layout.names))]  # as Arrow calls them
    with reading(layout.path, "a table", "write it again as CSV"):
        try:
            table = arrow_csv.read_csv(
                layout.path,
                arrow_csv.ReadOptions(
                    encoding=layout.encoding,
                    autogenerate_column_names=layout.first is None,
                    block_size=1 << 24,
                    skip_rows=layout.skipped,
                ),
                arrow_csv.ParseOptions(delimiter=layout.separator, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    decimal_point=decimal,
                    null_values=[
                        blank + null for null in NULLS_OF_NUMBERS for blank in ("", " ")
                    ],  # ", " between values
                    column_types={names[index]: pyarrow.string() for index in texts},
                    # Of texts, as ids are, "NA" is one; in other columns `_with_numbers` finds it.
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowInvalid as error:
            open_quotes.check(layout.path, layout.separator)
            # Such as "CSV parse error: Expected 3 columns, got 2: a,b".
            raise InputError(
                f"{layout.path} cannot be read as a table ({in_short(error)}): every line must "
                "have as many values as the first."
            ) from None
    if table.num_rows and pyarrow.types.is_string(table.schema.types[-1]):
        last = table.column(table.num_columns - 1)[-1].as_py() or ""
        open_quotes.check_end(layout.path, layout.separator, last, layout.encoding)
    if layout.first is not None and table.column_names != layout.first:  # such as ",," above the names
        raise InputError(f"{layout.path}: names are not in the first line: remove the lines above them.")
    return table.rename_columns(layout.names)


def _with_numbers(layout, table, sampled, texts, is_wanted):
    """A table in which texts are the numbers, dates and so on that they stand for, or missing."""
    import pyarrow
    from pyarrow import compute, types

    kinds = dict(enumerate(table.schema.types))
    floats = {place for place, kind in kinds.items() if types.is_floating(kind)}
    trimmed = {
        place: compute.utf8_trim_whitespace(table.column(place))
        for place, kind in kinds.items()
        if types.is_string(kind)
    }
    present = {place: without_nulls(column) for place, column in trimmed.items() if place not in texts}
    as_texts = dict(present)
    if floats and not sampled and layout.separator not in SIGNS:
        # 1.041 is a number with a point for Arrow, but may be 1041 beside 834.
        again = _parsed(layout, ".", texts | floats)
        as_texts |= {place: without_nulls(compute.utf8_trim_whitespace(again.column(place))) for place in floats}
    signs = decimal_signs.of_columns(layout, as_texts, sampled, is_wanted)
    columns = [trimmed.get(place, column) for place, column in enumerate(table.columns)]
    for place, column in as_texts.items():
        if place in signs and (place in present or signs[place] == ","):
            columns[place] = typed(with_point(column, signs[place]))
        elif place in present:
            held = table.column(place)  # of what is blank or missing, Arrow made texts of numbers and dates
            is_padded = compute.any(compute.not_equal(trimmed[place], held)).as_py()
            found = typed(column) if is_padded or column.null_count > held.null_count else column
            columns[place] = without_nulls(trimmed[place], NULLS) if types.is_string(found.type) else found
    return pyarrow.Table.from_arrays(columns, layout.names)


def typed(texts: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Trimmed texts as what they all stand for: whole numbers, bools, dates, numbers or times of day.

    Args:
        texts: `pyarrow.ChunkedArray` of texts, None where one is missing.

    Returns:
        `pyarrow.ChunkedArray` of that type; the texts, where they stand for nothing of this.
    """
    import pyarrow
    from pyarrow import compute

    moments = pyarrow.timestamp("us"), pyarrow.timestamp("us", "UTC")
    for kind in (pyarrow.int64(), pyarrow.bool_(), *moments, pyarrow.float64()):
        with contextlib.suppress(pyarrow.ArrowInvalid):
            return texts.cast(kind)
    with contextlib.suppress(pyarrow.ArrowInvalid):  # Arrow reads times of day in files alone
        day, between = (pyarrow.scalar(text, texts.type) for text in ("1970-01-01", "T"))
        of_a_day = compute.binary_join_element_wise(day, texts, between)
        return of_a_day.cast(pyarrow.timestamp("us")).cast(pyarrow.time64("us"))
    return texts
