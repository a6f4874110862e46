"""What a GMVAE says of clusters of its clusters."""

from __future__ import annotations

from tf_gmvae.hierarchy import joining
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.inputs import Data
from tf_gmvae.model.part import Part


class Groups(Part):
    """The method of `GMVAE` that joins its components to a tree."""

    def hierarchy(self, data: Data, batch_size: int = 256) -> Hierarchy:
        """The components as a tree, by how often their examples are neighbours in the latent space.

        No label is used.

        Args:
            data: as in `Inference`.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            `hierarchy.Hierarchy` with the posterior of `data`: `cut(K')` is the posterior over K' groups, and
            `linkage` what `scipy.cluster.hierarchy.dendrogram` draws.

        Example:
            >>> rows = np.random.default_rng(0).normal(size=(20, 4))
            >>> model = tf_gmvae.GMVAE.for_table(rows, num_components=5, seed=0)
            >>> tree = model.hierarchy(rows)
            >>> tree.linkage.shape, tree.cut(2).shape
            ((4, 4), (20, 2))
        """
        latents = self.latents(data, batch_size)
        return joining.tree(latents.log_posterior, latents.x, self.seed or 0)
