"""Tables in memory of any package and any type: read, or named with what they hold and a mend."""

import re

import numpy as np
import pandas
import polars
import pyarrow
import pytest

from tf_gmvae.data.frames import as_table
from tf_gmvae.errors import InputError

KINDS_OF_OBJECTS = {
    "int, str": ([1, "x", None], 'make them alike, as by .astype("string")'),
    "values of several types": (pandas.Categorical([1, "x", 1]), 'make them alike, as by .astype("string")'),
    "more than 64 bits": ([10**30, 10**29, 3], 'pass its .astype("float64")'),
    "128 bits": (np.array([1, 2, 4], "longdouble"), 'pass its .astype("float64")'),
    "several axes": ([np.ones((2, 2)), np.eye(2), np.zeros((2, 2))], "pass its .map(numpy.ravel)"),
    "period": (pandas.period_range("2020-01", periods=3, freq="M"), "pass its .dt.to_timestamp()"),
    "interval": (pandas.interval_range(0, 3), 'pass its .astype("string")'),
    "duration": (pandas.to_timedelta([1, 2, 5], "h"), "give its seconds, as by .dt.total_seconds()"),
    "complex": (np.array([1j, 2, 3]), "leave it out"),
    "object": ([object(), object(), None], "leave it out"),
}


@pytest.mark.parametrize("cause", KINDS_OF_OBJECTS)
def test_what_arrow_does_not_hold_is_named_with_its_cause_and_a_mend_that_works(cause):
    values, mend = KINDS_OF_OBJECTS[cause]
    if cause == "128 bits" and values.dtype == "float64":
        pytest.skip("long doubles are doubles here")
    frame = pandas.DataFrame({"b": [1.0, 2.0, 3.0], "a": values})
    with pytest.raises(InputError, match=f"the table, column 'a': holds .*{cause}.*: {re.escape(mend)}"):
        as_table(frame)
    if "." in mend:
        frame["a"] = eval("column" + mend[mend.index(" .") + 1 :], {"column": frame["a"], "numpy": np})
    else:
        del frame["a"]
    assert as_table(frame)["b"].tolist() == [1, 2, 3]


def test_arrow_in_any_of_its_forms():
    plain = {"t": ["u", None, "v"], "l": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}
    expected = as_table(pyarrow.table(plain))
    views = pyarrow.array(plain["t"], pyarrow.string_view())
    lists = pyarrow.array(plain["l"], pyarrow.list_view(pyarrow.float64()))
    runs = pyarrow.RunEndEncodedArray.from_arrays([1, 2, 3], plain["t"])
    levels = pyarrow.DictionaryArray.from_arrays([0, None, 1], pyarrow.array(["u", "v"], pyarrow.string_view()))
    blocks = pyarrow.array([[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]])  # of more axes
    for data in (
        pyarrow.record_batch(plain), pyarrow.table({"t": views, "l": lists}),
        pyarrow.table({"t": runs, "l": blocks}), pyarrow.table({"t": levels, "l": plain["l"]}),
    ):  # fmt: skip
        table = as_table(data)
        assert {name: values.tolist() for name, values in table.items()} == {
            name: values.tolist() for name, values in expected.items()
        }
    if hasattr(polars, "Int128"):
        with pytest.raises(InputError, match="'a': holds whole numbers of 128 bits: pass its .cast"):
            as_table(polars.DataFrame({"a": polars.Series([1, 2**100], dtype=polars.Int128)}))
    # Beside None they would be one float, which says that the column is the same in every row.
    ids = as_table(pyarrow.table({"a": [2**60 + 1, None, 2**60 + 3]}))["a"]
    assert ids.tolist() == [str(2**60 + 1), None, str(2**60 + 3)]
