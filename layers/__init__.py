"""Reusable Keras layers of the GMVAE; none of them knows the model.

- `ColumnFeatures`: raw rows of a table, of mixed kinds and with missing values, to standardised features.
- `FusedBatchNormalization`: batch normalisation in one operation.
- `GaussianHead`: features to the mean and log-variance of a diagonal Gaussian.
- `GaussianSampler`: M reparameterised samples of a diagonal Gaussian.
- `MixturePriorHead`: style w to the means and log-variances of K Gaussian components.
- `RandomAffine`: images turned, moved, sheared and scaled a little.
- `SpectralConv2D`, `SpectralConv2DTranspose`: convolutions with large kernels, by Fourier transforms.
"""

from layers.column_features import ColumnFeatures
from layers.fused_batch_normalization import FusedBatchNormalization
from layers.gaussian_head import GaussianHead
from layers.gaussian_sampler import GaussianSampler
from layers.mixture_prior_head import MixturePriorHead
from layers.random_affine import RandomAffine
from layers.spectral_conv import SpectralConv2D, SpectralConv2DTranspose

__all__ = [
    "ColumnFeatures",
    "FusedBatchNormalization",
    "GaussianHead",
    "GaussianSampler",
    "MixturePriorHead",
    "RandomAffine",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
]
