"""A tree of components, and what it says of examples. NumPy arrays throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tf_gmvae.checks import whole_number
from tf_gmvae.errors import InputError


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Components of a mixture, joined two at a time.

    Node k below K is component k, a leaf; node K + i is what row i of the linkage joins; the last one holds all.

    Attributes:
        linkage: float64 array (K - 1, 4), as `scipy.cluster.hierarchy` has it: two nodes, the height at which
            they are joined, and the number of components below.
        posterior: array (N, K), p(z | y) of the examples that it was made of; None where it was read from a file.
    """

    linkage: np.ndarray
    posterior: np.ndarray | None = None

    @property
    def num_components(self) -> int:
        """K."""
        return len(self.linkage) + 1

    @classmethod
    def from_list(cls, linkage: list[list[float]]) -> Hierarchy:
        """The tree as a file has it, without a posterior.

        Args:
            linkage: list of K - 1 lists of 4 numbers.

        Returns:
            `Hierarchy`.
        """
        return cls(np.asarray(linkage, "float64").reshape(-1, 4))  # also of one component

    def groups(self, num_groups: int) -> np.ndarray:
        """The components of every group, where the tree is cut so that there are so many groups.

        Args:
            num_groups: K', from 1 to K.

        Returns:
            Int64 array (K,), the group of each component, 0 to K' - 1 in the order of their first components.

        Raises:
            InputError: if there are not so many components.
        """
        num_groups = whole_number("num_groups", num_groups, 1)
        if num_groups > self.num_components:
            raise InputError(
                f"The tree has {self.num_components} components and cannot be cut into {num_groups} groups: ask "
                "for fewer, or train with more components."
            )
        group_of = np.arange(self.num_components)
        below = self._below()
        for node in range(self.num_components, 2 * self.num_components - num_groups):
            group_of[below[node]] = group_of[below[node]].min()
        return np.unique(group_of, return_inverse=True)[1]

    def cut(self, num_groups: int, posterior: np.ndarray | None = None) -> np.ndarray:
        """The posterior over groups, where the tree is cut so that there are so many.

        Args:
            num_groups: K', from 1 to K.
            posterior: array (N, K), p(z | y) of other examples. Default None: those that the tree was made of.

        Returns:
            Array (N, K'), rows sum to one; its columns are those of `groups`.

        Raises:
            InputError: if there are not so many components, or no such posterior.
        """
        group_of = self.groups(num_groups)
        return self._given(posterior) @ np.eye(group_of.max() + 1, dtype="float32")[group_of]

    def nodes(self, posterior: np.ndarray | None = None) -> np.ndarray:
        """p(node | y), the probability that an example is of any of the components below a node.

        Args:
            posterior: as in `cut`. Default None.

        Returns:
            Array (N, 2K - 1): K leaves, then the nodes of the linkage in its order, of which the last is 1.

        Raises:
            InputError: if there is no such posterior.
        """
        member = np.zeros((self.num_components, 2 * self.num_components - 1), "float32")
        for node, components in enumerate(self._below()):
            member[components, node] = 1.0
        return self._given(posterior) @ member

    def _given(self, posterior):
        posterior = self.posterior if posterior is None else np.asarray(posterior)
        if posterior is None or posterior.ndim != 2 or posterior.shape[1] != self.num_components:
            received = "none" if posterior is None else f"an array of shape {posterior.shape}"
            raise InputError(
                f"A posterior (N, {self.num_components}) is needed, one column a component. Received: {received}."
            )
        return posterior

    def _below(self):
        """The components below every node, a list of 2K - 1 lists."""
        below = [[k] for k in range(self.num_components)]
        for first, second in self.linkage[:, :2].astype(int):
            below.append(below[first] + below[second])
        return below
