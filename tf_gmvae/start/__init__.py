"""The start: clusters found in the data, and a model set up with them.

- `initialization`: `GMVAE.initialize`, the stages in their order.
- `sample`: the examples it works on.
- `stages`: the two trainings before the paper's own.
- `effort`: how many steps these take, and how long.
- `clusters`: from examples to soft labels, by the four that follow.
- `descriptors`: what two examples are compared by.
- `neighbours`: the nearest examples, slightly changed views counted in.
- `latent_map`: from neighbours to a map and a mixture on it.
- `merging`: small clusters joined to larger ones.
- `factors`: each cluster as a Gaussian that moves with a few factors.
"""
