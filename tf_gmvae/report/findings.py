"""What a report is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_gmvae.errors import InputError
from tf_gmvae.report import members

# Features that are said to mark a component.
MARKS = 5


@dataclass(frozen=True, eq=False)
class Findings:
    """A trained model's answers about a data set, as arrays.

    Attributes:
        name: text, the name of the run.
        examples: array (N, H, W, C) or (N, F), uint8 or float32; of another shape (series, volumes), an example
            is shown as the row of its values.
        posterior: array (N, K), p(z | y).
        x: array (N, D), means of q(x | y), or the codes of another method.
        elbo: array (N,), nats; None, as are the next five, of a method that does not generate.
        reconstructed: array (R,) of numbers of examples.
        reconstructions: array (R, ...), means of p(y | x) of those.
        samples: array (K, S, ...), generated at w = 0, S of each component.
        walks: dict from numbers of components to arrays (L, P, ...): means of p(y | x) at P places of each of L
            lines through w.
        drawn: array (G, ...), generated with component and w from their priors.
        history: list of dicts, one an epoch: the terms, and with the prefix val_ those of the validation.
        metrics: dict, as of `metrics.json`.
        settings: dict from the names of the flags to their values.
        labels: array (N,) of whole numbers, or None.
        class_names: tuple of the names of label 0, 1, ..., or None.
        component_names: list of K texts, what a person calls the components, or None; a component may be called
            by its number.
        seed: integer seed of the map.
        log_posterior: array (N, K), log p(z | y), or None: it orders the members of a component.
        uint8_scale: number by which the model divides uint8 examples.
        method: text, what found the clusters.
        features: array (N, F'), finite, standardised features of the rows of a table; None takes the values.
        feature_names: tuple of F' texts, or None: numbers.
        linkage: array (K - 1, 4), the tree of the components as SciPy has it, or None.
        leaves: of a deep GMVAE, array (C, K, ...): the mean example of every pair of components of the first two
            levels; or None.
        points: array (N', 2), a map of x, or None; taken where it is of all N examples, if these are not too many.
        ids: array (N,) of strings, what the examples are called, or None: an example is called by its number.

    Raises:
        InputError: if arrays do not fit each other.
    """

    name: str
    examples: np.ndarray
    posterior: np.ndarray
    x: np.ndarray
    elbo: np.ndarray | None
    reconstructed: np.ndarray | None
    reconstructions: np.ndarray | None
    samples: np.ndarray | None
    walks: dict[int, np.ndarray] | None
    drawn: np.ndarray | None
    history: list[dict[str, float]]
    metrics: dict[str, Any]
    settings: dict[str, Any]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    component_names: list[str] | None = None
    seed: int = 0
    log_posterior: np.ndarray | None = None
    uint8_scale: float = 255.0
    method: str = "a Gaussian mixture variational autoencoder"
    features: np.ndarray | None = None
    feature_names: tuple[str, ...] | None = None
    linkage: np.ndarray | None = None
    leaves: np.ndarray | None = None
    points: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        for what in ("posterior", "x", "elbo", "labels", "log_posterior", "features", "ids"):
            values = getattr(self, what)
            if values is not None and len(values) != len(self.examples):
                raise InputError(
                    f"A report needs one {what} an example: {len(self.examples)} examples. Received: {len(values)}"
                )

        if self.component_names is not None and len(self.component_names) != self.num_components:
            raise InputError(
                f"A report needs a name for each of {self.num_components} components. Received: "
                f"{len(self.component_names)}"
            )

    @property
    def num_components(self) -> int:
        """K."""
        return self.posterior.shape[1]

    @property
    def of_images(self) -> bool:
        """Whether the examples can be shown as images."""
        return self.examples.ndim == 4

    @property
    def rows(self) -> np.ndarray:
        """The examples as rows of values, array (N, F)."""
        return self.examples.reshape(len(self.examples), -1)

    def components(self, assigned: np.ndarray | None = None) -> list[members.Component]:
        """All components with their members, in their order.

        Args:
            assigned: array (N,) of whole numbers, the component of each example. Default None: the likeliest.
        """
        elbo = np.zeros(len(self.examples)) if self.elbo is None else self.elbo
        return members.components(self.posterior, elbo, self.labels, self.log_posterior, assigned)

    @property
    def standardised(self) -> np.ndarray:
        """The features, by default the values, in standard deviations from the mean of all, array (N, F')."""
        return members.standardised(self.rows) if self.features is None else self.features

    def marks(self, offsets: np.ndarray) -> list[tuple[str, float]]:
        """The features that mark a component.

        Args:
            offsets: array (F',), the mean of its members in the `standardised` features.

        Returns:
            List of `MARKS` pairs (name, offset) at most, the strongest first.
        """
        strongest = np.argsort(-np.abs(offsets), kind="stable")[:MARKS]
        name = self.feature_name if self.feature_names else "column {}".format
        return [(name(int(column)), float(offsets[column])) for column in strongest]

    def feature_name(self, number: int) -> str:
        """What a profile calls a feature."""
        return str(number) if self.feature_names is None else self.feature_names[number]

    def example_names(self, numbers: np.ndarray) -> list[str]:
        """What examples are called: by their numbers where they have no ids."""
        return (numbers if self.ids is None else self.ids[numbers]).astype(str).tolist()

    def component_name(self, number: int) -> str:
        """What a person calls a component: its number where nobody has named it."""
        return str(number) if self.component_names is None else self.component_names[number]

    def titled(self, number: int) -> str:
        """The number of a component, and behind it its name, if it has one."""
        name = self.component_name(number)
        return name if name == str(number) else f"{number}, {name}"

    def class_name(self, label: int) -> str:
        """The name of a label."""
        return str(label) if self.class_names is None else self.class_names[label]
