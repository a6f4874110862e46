"""What the model card says is what the export does."""

import numpy as np
import pytest
import tensorflow as tf

import tf_gmvae
from tf_gmvae.serving import card, signatures
from tf_gmvae.tables.columns import Column, Columns
from tf_gmvae.tables.likelihood import ColumnsLikelihood

COLUMNS = Columns(
    (
        Column("a|b\n`c`", "category", ("x", "y|z"), (0.5, 0.5)),
        Column("long", "real"),
        Column("often", "count"),
        Column("kept", "yes_no", ("no", "yes")),
    )
)


def test_the_card_of_a_table_has_its_columns_and_says_what_nan_is():
    model = tf_gmvae.GMVAE.from_preset(
        "table", num_components=3, data_shape=(4,), likelihood=ColumnsLikelihood(COLUMNS), seed=0
    )
    written = card.text(model, {}, "table", "")
    for row in (
        r"| 0 | `` a\|b `c` `` | category | 0 = `x`, 1 = `y\|z` |",
        "| 1 | `long` | real | any |",
        "| 2 | `often` | count | whole numbers from 0 on |",
        "| 3 | `kept` | yes/no | 0 = `no`, 1 = `yes` |",
    ):
        assert row in written.splitlines()
    (refused,) = (line for line in written.splitlines() if "INVALID_ARGUMENT" in line)
    assert "NaN" not in refused and "NaN is a missing value" in written
    ask = signatures.of(model)["cluster"].function
    rows = np.full((2, 4), np.nan, "float32")
    assert np.isfinite(ask(rows)["posterior"]).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="infinite"):
        ask(np.full((2, 4), np.inf, "float32"))


def test_the_card_of_other_data_has_no_columns_and_nan_is_refused():
    model = tf_gmvae.GMVAE.from_preset("synthetic", num_components=3, seed=0)
    written = card.text(model, {}, "arcs", "")
    assert "## Columns" not in written and "value that is NaN, infinite or outside the range" in written
