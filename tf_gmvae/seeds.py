"""Seeds as other packages take them."""

import numpy as np


def within_bits(seed: int, bits: int = 32) -> int:
    """A seed for packages that do not take every whole number, as this one does.

    Args:
        seed: integer >= 0.
        bits: integer, bits of the seeds that the package takes: 32 of scikit-learn and UMAP, 63 of Keras. Default
            32.

    Returns:
        The seed itself, if it fits, or another that follows from it.
    """
    return seed if seed < 2**bits else int(np.random.SeedSequence(seed).generate_state(1)[0])
