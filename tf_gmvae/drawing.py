"""What a trained model draws."""

import numpy as np

from tf_gmvae import diagnostics

# Ends of a walk, in deviations of the prior of w.
FARTHEST = 2.5


def samples(model, num_samples, seed):
    """Samples of every component at w = 0 (Fig. 5a).

    Args:
        model: `GMVAE`.
        num_samples: S, of each.
        seed: integer.

    Returns:
        Array (K, S, ...), means of p(y | x), x drawn from p(x | w = 0, z).
    """
    components = np.repeat(np.arange(model.num_components), num_samples)
    made = model.generate(component=components, w=np.zeros(model.style_dim, "float32"), seed=seed)
    return made.reshape(model.num_components, num_samples, *made.shape[1:])


def walks(model, w_means, components, num_directions, num_steps):
    """Walks along the directions in which w varies most over the data, each at one component (Fig. 5b).

    Args:
        model: `GMVAE`.
        w_means: array (N, W), means of q(w | y).
        components: list of numbers.
        num_directions: at most.
        num_steps: T.

    Returns:
        List of triples (component, direction, examples (T, ...)), the examples at the component's mean.
    """
    found = []
    directions = diagnostics.principal_styles(w_means, num_directions)
    for k in components:
        for number, direction in enumerate(directions):
            w = np.linspace(-FARTHEST, FARTHEST, num_steps)[:, None] * direction
            means, _ = model.mixture_prior(w.astype("float32"))
            found.append((k, number, model.likelihood.mean(model.decode(means[:, k])).numpy()))
    return found
