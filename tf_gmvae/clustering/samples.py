"""New rows that a fitted model makes up."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_gmvae.gaussians import component_sample
from tf_gmvae.model.gmvae import GMVAE


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


def as_frame(columns: dict[str, np.ndarray], package: str) -> Any:
    """Columns as a table.

    Args:
        columns: dict of arrays (N,) by name.
        package: "pandas", "polars" or "pyarrow".

    Returns:
        Table of that package.
    """
    import pyarrow

    table = pyarrow.table(columns)
    if package == "pandas":
        return table.to_pandas()
    if package == "polars":
        import polars

        return polars.from_arrow(table)
    return table
