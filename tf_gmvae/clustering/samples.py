"""New rows that a fitted model makes up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from tf_gmvae.gaussians import component_sample
from tf_gmvae.model.gmvae import GMVAE
from tf_gmvae.tables.columns import is_missing
from tf_gmvae.tables.levels import all_composed
from tf_gmvae.tables.precision import SECONDS_OF_A_DAY, Days

_DATES = "datetime64[us]"


def draw(model: GMVAE, num_examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws examples, each of a component that is drawn with equal chances.

    Args:
        model: `GMVAE`.
        num_examples: N.
        seed: integer; the same seed gives the same examples.

    Returns:
        Pair of an array (N, ...), of rows drawn from p(y | x), of images its means, since shades drawn one by one
        would only be noise; and an int64 array (N,), the components.
    """
    rng = np.random.default_rng(seed)
    components = rng.integers(model.num_components, size=num_examples)
    if len(model.data_shape) != 1:
        return model.generate(component=components, seed=seed), components
    w = rng.standard_normal((num_examples, model.style_dim)).astype("float32")
    noise = rng.standard_normal((num_examples, model.latent_dim)).astype("float32")
    x = component_sample(components, noise, *model.mixture_prior(w))
    rows = model.likelihood.distribution(model.decode(x))
    return rows.sample(seed=np.random.SeedSequence(seed).generate_state(2).astype("int32")).numpy(), components


def types_of(table: Mapping[str, np.ndarray]) -> dict[str, str]:
    """What columns were before dates became days, and bools and whole numbers perhaps the names of levels.

    Args:
        table: dict of arrays (N,) by name, as `data.frames.as_table` returns it.

    Returns:
        Dict of the names of NumPy's types by the name of the column; columns of texts are not in it.
    """
    found = {}
    for name, values in table.items():
        there = values[~is_missing(values)]
        if isinstance(values, Days):
            found[name] = _DATES
        elif values.dtype.kind in "biuf":
            found[name] = values.dtype.str
        elif len(there) and isinstance(there[0], bool):  # beside missing ones
            found[name] = "bool"
    return found


def as_frame(
    columns: Mapping[str, np.ndarray], package: str, labels: Mapping[str, Hashable], types: Mapping[str, str]
) -> Any:
    """Columns as a table, like that of `fit`.

    Args:
        columns: dict of arrays (N,) by name, as `tables.Columns.values` returns it.
        package: "pandas", "polars" or "pyarrow".
        labels: dict of the names that pandas had, which need not be texts, by their texts.
        types: what `types_of` found in the table of `fit`.

    Returns:
        Table of that package.
    """
    import pyarrow

    table = pyarrow.table({name: _as_type(values, types.get(name)) for name, values in columns.items()})
    if package == "pandas":
        frame = table.to_pandas()
        label_of = dict(zip(all_composed(list(labels)), labels.values(), strict=True))
        frame.columns = [label_of.get(name, name) for name in frame.columns]
        return frame
    if package == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def _as_type(values, kind):
    """Days as dates, and names of levels as the bools or numbers that they stand for."""
    if kind == _DATES:
        seconds = np.rint(values.astype("float64") * SECONDS_OF_A_DAY)  # float32 tells less apart
        return seconds.astype("int64").astype("datetime64[s]").astype(kind)
    if kind is None or values.dtype.kind != "U":
        return values
    return values == "true" if np.dtype(kind) == bool else values.astype(kind)
