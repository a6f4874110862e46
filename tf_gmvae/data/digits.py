"""The 1,797 small digits that scikit-learn carries: a real data set without a download."""

from __future__ import annotations

import numpy as np

from tf_gmvae.data.split import Dataset, Split

_TEST_EVERY = 5


def load_digits() -> Dataset:
    """Loads scikit-learn's handwritten digits, 8 x 8 pixels.

    Returns:
        A `Dataset` of `(N, 8, 8, 1)` float32 images in [0, 1] (the pixels 0 to 16, divided by 16). The split
        is fixed: the examples 4, 9, 14, ... (every fifth, 359 of 1,797) are the test, the rest the training.
    """
    from sklearn.datasets import load_digits as sklearn_digits

    digits = sklearn_digits()
    images = (digits.images / 16).astype(np.float32)
    is_test = np.arange(len(images)) % _TEST_EVERY == _TEST_EVERY - 1
    return Dataset(
        "digits",
        Split.from_arrays(images[~is_test], digits.target[~is_test]),
        Split.from_arrays(images[is_test], digits.target[is_test]),
        tuple("0123456789"),
    )
