"""Reusable Keras layers of the GMVAE; none of them knows the model.

- `GaussianHead`: features to the mean and log-variance of a diagonal Gaussian.
- `GaussianSampler`: M reparameterised samples of a diagonal Gaussian.
- `MixturePriorHead`: style w to the means and log-variances of K Gaussian components.
"""

from layers.gaussian_head import GaussianHead
from layers.gaussian_sampler import GaussianSampler
from layers.mixture_prior_head import MixturePriorHead

__all__ = ["GaussianHead", "GaussianSampler", "MixturePriorHead"]
