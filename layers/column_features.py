"""The columns of a table as features of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf

KINDS = ("real", "count", "yes_no", "category")
# Deviations: of what lies farther out a network would make infinities, in half precision from twice as far on.
FARTHEST = 3e4


@keras.saving.register_keras_serializable(package="tf_gmvae")
class ColumnFeatures(keras.layers.Layer):
    """Raw rows of a table to standardised features, so that a model that begins with it takes raw rows.

    Real numbers, log(1 + count) and the numbers 0 and 1 of yes/no columns are centered and divided by their
    deviation; of categories each level becomes a feature, centered, and all are divided by their common deviation,
    so that every column weighs the same. What is missing, NaN, is at the mean: its features are 0. So are those of
    a number that its kind does not have: a count below 0, a level that is not there. A number more than 30,000
    deviations from the mean counts as that far.

    Args:
        kinds: one of "real", "count", "yes_no" and "category" for each of the F columns.
        centers: for each column a list of the means of its features: one, or of a category one a level.
        scales: for each column a float, the deviation of its features.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        rows: tensor (B, F), NaN where a value is missing.

    Returns:
        Tensor (B, F'), finite, the categories last: F' is F, or more with categories.

    Raises:
        ValueError: if the three do not have the same length, a kind is another, a center is no list of as many
            finite numbers, a scale is none above 0, or `rows` has other columns.

    Example:
        >>> layer = ColumnFeatures(["real", "category"], [[10.0], [0.5, 0.5]], [2.0, 1.0])
        >>> layer(np.array([[14.0, 1.0], [np.nan, 0.0]], "float32")).numpy().tolist()
        [[2.0, -0.5, 0.5], [0.0, 0.5, -0.5]]
    """

    def __init__(
        self, kinds: Sequence[str], centers: Sequence[Sequence[float]], scales: Sequence[float], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        # Half precision has no place for a year, or an income: rows are centered before they are rounded.
        self.autocast = False
        self.kinds, self.centers, self.scales = list(kinds), list(centers), list(scales)
        if not (0 < len(self.kinds) == len(self.centers) == len(self.scales) and set(self.kinds) <= set(KINDS)):
            raise ValueError(
                f"ColumnFeatures takes a kind ({', '.join(KINDS)}), a center and a scale for each column. "
                f"Received: kinds={kinds}, {len(self.centers)} centers, {len(self.scales)} scales"
            )
        for index, (kind, center, scale) in enumerate(zip(self.kinds, self.centers, self.scales, strict=True)):
            wanted = "one mean a level" if kind == "category" else "one mean"
            values = list(center) if np.iterable(center) else [None]
            # A category of which nothing is there has no level, and makes no feature.
            if not all(map(_is_finite, values)) or (kind != "category" and len(values) != 1):
                raise ValueError(
                    f"`centers` must have a list of {wanted}, a finite number, for column {index}, {kind}. "
                    f"Received: {center!r}"
                )
            if not (_is_finite(scale) and scale > 0):
                raise ValueError(
                    f"`scales` must have a finite number above 0 for column {index}. Received: {scale!r}"
                )
            self.centers[index] = values
        # Else a single column would be stretched to all, and further ones be left out.
        self.input_spec = keras.InputSpec(ndim=2, axes={-1: len(self.kinds)})

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """The features of rows: of the other columns first, in their order, then those of the categories."""
        rows = ops.cast(rows, "float64" if self.compute_dtype == "float64" else "float32")  # also whole numbers
        categories = [index for index, kind in enumerate(self.kinds) if kind == "category"]
        others = [index for index, kind in enumerate(self.kinds) if kind != "category"]
        parts = []
        if others:
            values = rows if not categories else ops.take(rows, others, axis=1)
            kinds = np.array([self.kinds[index] for index in others])
            # What its kind does not have; NaN is on no side of any bound.
            lowest, highest = np.where(kinds == "real", -np.inf, 0.0), np.where(kinds == "yes_no", 1.0, np.inf)
            absent = ops.logical_not(
                (values >= ops.cast(lowest, values.dtype)) & (values <= ops.cast(highest, values.dtype))
            )
            values = ops.where(absent, ops.zeros_like(values), values)
            if "count" in kinds:
                values = ops.where(kinds == "count", ops.log1p(ops.maximum(values, 0.0)), values)
            center = ops.convert_to_tensor([self.centers[index][0] for index in others], values.dtype)
            values = (values - center) / ops.convert_to_tensor(
                [self.scales[index] for index in others], values.dtype
            )
            parts.append(ops.clip(ops.where(absent, ops.zeros_like(values), values), -FARTHEST, FARTHEST))
        for index in categories:
            center = ops.convert_to_tensor(self.centers[index], rows.dtype)
            chosen = ops.cast(
                rows[:, index : index + 1] == ops.arange(len(self.centers[index]), dtype=rows.dtype), rows.dtype
            )
            absent = ops.sum(chosen, axis=1, keepdims=True) == 0
            levels = (chosen - center) / self.scales[index]
            parts.append(ops.where(absent, ops.zeros_like(levels), levels))
        return ops.cast(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, F')."""
        return (input_shape[0], sum(len(center) for center in self.centers))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            **super().get_config(), "kinds": self.kinds, "centers": self.centers, "scales": self.scales,
        }  # fmt: skip


def _is_finite(value):
    return isinstance(value, Real) and math.isfinite(value)
