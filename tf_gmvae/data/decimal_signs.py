"""Which sign, the point or the comma, is the decimal one in the numbers of a text file, and which parts thousands.

Where commas part the values, it is the point, and what is no number by it is a text. Else a file has one decimal
sign, and the other parts thousands. 1,5 and 1.234,5 are numbers by a decimal comma alone, 29.34 and 1,234,567 by a
point alone, 1,234 by either: there the other columns tell. Where none does, a column whose numbers all have the
sign is taken for decimals, as thousands differ from them by the unit alone; beside whole numbers without it, as
834, nobody can tell, and it is refused. Points alone, as of an address 192.168.100.200, prove no decimal comma.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tf_gmvae.data.texts import SIGNS, other, signs_of, without_nulls
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    import pyarrow

    from tf_gmvae.data.first_lines import Layout

log = logging.getLogger(__name__)


def of_sample(layout: Layout, texts: set[int]) -> set[str]:
    """The decimal signs that the first rows of a file prove.

    Args:
        layout: `Layout` of the file.
        texts: set of integers, the places of columns that are texts.

    Returns:
        Set of "." and ","; empty where commas part the values.
    """
    import pyarrow

    proven: set[str] = set()
    if layout.separator in SIGNS:
        return proven
    for place, values in enumerate(zip(*layout.rows, strict=True)):
        if place not in texts and any(sign in value for value in values for sign in {*SIGNS} - proven):
            signs = signs_of(without_nulls(pyarrow.array(values, pyarrow.string())))
            is_proof = signs == {"."} or (signs == {","} and any("," in value for value in values))
            proven |= signs if is_proof else set()
    return proven


def of_columns(
    layout: Layout,
    columns: Mapping[int, pyarrow.ChunkedArray],
    sampled: set[str],
    is_wanted: Callable[[str], bool] = lambda name: True,
) -> dict[int, str]:
    """The decimal signs of the columns that hold numbers.

    Args:
        layout: `Layout` of the file.
        columns: dict of trimmed texts, None where one is missing, by the places of the columns.
        sampled: set of signs that `of_sample` found.
        is_wanted: function of a column's name to whether it is of use: others are not refused. Default: all are.

    Returns:
        Dict of "." or "," by place; empty where commas part the values.

    Raises:
        InputError: if a column may be decimals and thousands, and nothing tells which.
    """
    if layout.separator in SIGNS:
        return {}
    signs = {place: signs_of(column) for place, column in columns.items()}
    points = [place for place, found in signs.items() if found == {"."}]
    commas = [place for place, found in signs.items() if found == {","} and _count(columns[place], ",")]
    proven = sampled | {"." for _ in points}
    if "." in proven:  # 1,3 may be two answers, unless most of a column is so
        commas = [place for place in commas if 2 * _count(columns[place], "[.,]") > _count(columns[place], "")]
    proven |= {"," for _ in commas}
    found = dict.fromkeys(points, ".") | dict.fromkeys(commas, ",")
    for place, of in signs.items():
        if of == {","} == proven and not _count(columns[place], ","):  # 1.041.123
            found[place] = ","
        elif len(of) == 2 and (sign := _of_either(layout, place, columns[place], proven, is_wanted)):
            found[place] = sign
    return found


def _of_either(layout, place, column, proven, is_wanted):
    """The decimal sign of a column whose numbers can be read by either, or None."""
    held = [sign for sign in SIGNS if _count(column, re.escape(sign))]
    if not held:
        return None
    values = column.to_pylist()
    row, value = next((row, value) for row, value in enumerate(values) if value and held[-1] in value)
    name = layout.names[place]
    if len(proven) == 1:
        (sign,) = proven
        if other(sign) in held:
            log.info(
                "%s: %r parts thousands, as of %r in column %r, since the decimal sign is %r.",
                layout.path, other(sign), value, name, sign,
            )  # fmt: skip
        return sign
    wholes = [each for each in values if each and not any(sign in each for sign in SIGNS)]
    # Who parts thousands writes 5,000, not 5000.
    if len(held) == 1 and any(len(each.lstrip("+-")) > 3 for each in wholes):
        return held[0]
    if not proven and len(held) == 1 and not wholes:
        if is_wanted(name):
            log.info(
                "%s: the %s is taken as the decimal sign, as of %r in column %r: if it parts thousands, write the "
                "numbers without it.",
                layout.path, {",": "comma", ".": "point"}[held[0]], value, name,
            )  # fmt: skip
        return held[0]
    if not is_wanted(name):
        return None
    beside = f" beside {wholes[0]!r}" if wholes else ""
    raise InputError(
        f"{layout.path}: column {name!r} has {value!r} in row {row}{beside}, and no other value tells whether "
        f"{held[-1]!r} is a decimal sign or parts thousands: write thousands without it, or decimals with a point "
        "in a file with commas between the values."
    )


def _count(texts, pattern):
    from pyarrow import compute

    return compute.sum(compute.match_substring_regex(texts, pattern)).as_py() or 0
