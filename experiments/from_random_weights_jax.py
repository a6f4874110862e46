"""The paper's objective from random weights once more, written in JAX, for an accelerator.

pip install "jax[cuda13]"
python experiments/from_random_weights_jax.py --data_dir=path/to/mnist --num_components=10 --seeds=0,1,2

The networks of appendix A, Eq. 3 to 7 and Adam stand here a second time, and nothing of the package has a part
in training: what both arrive at is no accident of either. `--check` holds terms and gradients of the package to
these; it needs no accelerator and a minute. Components begin a tenth as far apart as Keras draws them, `--near`.
Seeds are trained side by side. Lines of every epoch are kept in `--out`, as `from_random_weights.py --show` draws
them.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

try:
    import jax
    import jax.numpy as jnp
    from jax import lax
except ModuleNotFoundError as error:
    if error.name != "jax":
        raise
    sys.exit('error: this needs JAX: pip install "jax[cuda13]", or pip install jax for a CPU.')

X, W, HIDDEN = 200, 150, 500  # latents x, style w, units of every dense layer
CONVOLUTIONS = {"e1": (6, 6, 1, 16), "e2": (6, 6, 16, 32), "e3": (4, 4, 32, 64)}  # height, width, in, out
FULL_CONVOLUTIONS = {"d3": (4, 4, 32, 64), "d4": (6, 6, 16, 32), "d5": (6, 6, 1, 16)}  # height, width, out, in
DENSE = {"e4": (5184, HIDDEN), "d1": (X, HIDDEN), "d2": (HIDDEN, 5184)}
NORMALISED = {"e1": 16, "e2": 32, "e3": 64, "e4": HIDDEN, "d1": HIDDEN, "d2": 64, "d3": 32, "d4": 16}


def initial(seed, num_components, near):
    """Weights by name, as Keras draws them but for the components' kernels; and the running moments."""
    rng = np.random.default_rng(100 + seed)

    def glorot(shape, fan_in, fan_out):
        limit = math.sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, shape).astype("float32")

    weights = {}
    for name, (height, width, first, last) in {**CONVOLUTIONS, **FULL_CONVOLUTIONS}.items():
        area = height * width
        weights[name] = glorot((height, width, first, last), area * first, area * last)
    for name, shape in DENSE.items():
        weights[name] = glorot(shape, *shape)
    for name, size in NORMALISED.items():
        weights[f"{name}_norm"] = np.stack([np.ones(size), np.zeros(size)]).astype("float32")  # gamma, beta
    for name, size in (("x", X), ("w", W)):
        kernel = glorot((HIDDEN, 2 * size), HIDDEN, 2 * size)
        kernel[:, size:] *= 0.1  # variances begin near 1
        weights |= {name: kernel, f"{name}_bias": np.zeros(2 * size, "float32")}
    weights |= {"hidden": glorot((W, HIDDEN), W, HIDDEN), "hidden_bias": np.zeros(HIDDEN, "float32")}
    limit = near * math.sqrt(3 / HIDDEN)
    for name in ("means", "log_vars"):
        weights[name] = rng.uniform(-limit, limit, (HIDDEN, num_components * X)).astype("float32")
        weights[f"{name}_bias"] = np.zeros(num_components * X, "float32")
    weights["d5_bias"] = np.zeros(1, "float32")
    moments = {
        name: np.stack([np.zeros(size), np.ones(size)]).astype("float32") for name, size in NORMALISED.items()
    }
    return weights, moments


def convolve(images, kernel, stride, padding):
    """A convolution, (B, H, W, C)."""
    return lax.conv_general_dilated(
        images, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def full_convolve(images, kernel, stride, padding):
    """A transposed convolution, the paper's full-convolution."""
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_transpose(
        images, kernel, (stride, stride), padding, dimension_numbers=numbers, transpose_kernel=True
    )


def normaliser(weights, moments, training):
    """A function of (values, name), batch normalisation and ReLU; and the running moments that it renews."""
    new = dict(moments)

    def normalised(values, name):
        if training:
            axes = tuple(range(values.ndim - 1))
            mean, variance = jnp.mean(values, axes), jnp.var(values, axes)
            new[name] = 0.9 * moments[name] + 0.1 * lax.stop_gradient(jnp.stack([mean, variance]))
        else:
            mean, variance = moments[name]
        gamma, beta = weights[f"{name}_norm"]
        return jax.nn.relu((values - mean) * (gamma * lax.rsqrt(variance + 1e-5)) + beta)

    return normalised, new


def encode(weights, normalised, images):
    """q(x | y) and q(w | y): mean, log-variance, mean, log-variance."""
    values = normalised(convolve(images, weights["e1"], 1, "VALID"), "e1")
    values = normalised(convolve(values, weights["e2"], 1, "VALID"), "e2")
    values = normalised(convolve(values, weights["e3"], 2, "SAME"), "e3")
    values = normalised(values.reshape(values.shape[0], -1) @ weights["e4"], "e4")
    streams = []
    for name in ("x", "w"):
        mean, log_var = jnp.split(values @ weights[name] + weights[f"{name}_bias"], 2, -1)
        streams += [mean, bounded(log_var)]
    return streams


def decode(weights, normalised, x):
    """Logits of the pixels."""
    values = normalised(x @ weights["d1"], "d1")
    values = normalised((values @ weights["d2"]).reshape(-1, 9, 9, 64), "d2")
    values = normalised(full_convolve(values, weights["d3"], 2, "SAME"), "d3")
    values = normalised(full_convolve(values, weights["d4"], 1, "VALID"), "d4")
    return full_convolve(values, weights["d5"], 1, "VALID") + weights["d5_bias"]


def components(weights, w):
    """Means and log-variances of p(x | w, z), (..., K, X) each."""
    hidden = jnp.tanh(w @ weights["hidden"] + weights["hidden_bias"])
    means, log_vars = (
        (hidden @ weights[name] + weights[f"{name}_bias"]).reshape(*w.shape[:-1], -1, X)
        for name in ("means", "log_vars")
    )
    return means, bounded(log_vars)


def bounded(values):
    """The values, bent beyond +-10 and never past +-15."""
    inner = jnp.clip(values, -10, 10)
    return inner + 5 * jnp.tanh((values - inner) / 5)


def log_responsibilities(x, means, log_vars):
    """Eq. 3, (..., K)."""
    squares = jnp.square(x[..., None, :] - means) * jnp.exp(-log_vars)
    return jax.nn.log_softmax(-0.5 * jnp.sum(log_vars + squares, -1), -1)


def terms(weights, moments, images, noise_x, noise_w):
    """Eq. 4 to 6: four terms (B,), nats, by M samples of noise (M, B, ...); and the running moments."""
    normalised, new = normaliser(weights, moments, training=True)
    x_mean, x_log_var, w_mean, w_log_var = encode(weights, normalised, images)
    x = x_mean + jnp.exp(0.5 * x_log_var) * noise_x
    w = w_mean + jnp.exp(0.5 * w_log_var) * noise_w
    logits = decode(weights, normalised, x.reshape(-1, X)).reshape(*x.shape[:2], *images.shape[1:])
    reconstruction = jnp.mean(jnp.sum(images * logits - jax.nn.softplus(logits), (2, 3, 4)), 0)
    means, log_vars = components(weights, w)
    log_resp = log_responsibilities(x, means, log_vars)
    q_mean, q_log_var = (value[None, :, None] for value in (x_mean, x_log_var))
    ratios = jnp.exp(q_log_var - log_vars) + jnp.square(q_mean - means) * jnp.exp(-log_vars)
    divergences = 0.5 * jnp.sum(log_vars - q_log_var + ratios - 1, -1)
    conditional_prior = jnp.mean(jnp.sum(jnp.exp(log_resp) * divergences, -1), 0)
    w_prior = 0.5 * jnp.sum(jnp.exp(w_log_var) + jnp.square(w_mean) - 1 - w_log_var, -1)
    z_prior = jnp.mean(jnp.sum(jnp.exp(log_resp) * log_resp, -1), 0) + math.log(log_resp.shape[-1])
    return (reconstruction, conditional_prior, w_prior, z_prior), new


def loss(weights, moments, images, noise_x, noise_w, min_information):
    """Eq. 7, nats; and the mean terms with the running moments."""
    values, new = terms(weights, moments, images, noise_x, noise_w)
    reconstruction, conditional_prior, w_prior, z_prior = means = jnp.stack([jnp.mean(value) for value in values])
    return jnp.maximum(z_prior, min_information) + w_prior + conditional_prior - reconstruction, (means, new)


def epoch_of(batch_size, num_samples, learning_rate, min_information):
    """A function of (state, images, key) to the state after an epoch and the mean terms (4,)."""

    def step(state, given):
        images, key = given
        weights, moments, first, second, count = state
        keys = jax.random.split(key)
        noises = (
            jax.random.normal(key, (num_samples, batch_size, size)) for key, size in zip(keys, (X, W), strict=True)
        )
        gradients, (values, moments) = jax.grad(loss, has_aux=True)(
            weights, moments, images.astype("float32") / 255, *noises, min_information
        )
        count += 1
        first = jax.tree.map(lambda mean, gradient: 0.9 * mean + 0.1 * gradient, first, gradients)
        second = jax.tree.map(lambda mean, gradient: 0.999 * mean + 0.001 * gradient**2, second, gradients)
        rate = learning_rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(
            lambda value, mean, square: value - rate * mean / (jnp.sqrt(square) + 1e-8), weights, first, second
        )
        return (weights, moments, first, second, count), values

    def epoch(state, images, key):
        key, shuffle = jax.random.split(key)
        steps = images.shape[0] // batch_size
        order = jax.random.permutation(shuffle, images.shape[0])[: steps * batch_size].reshape(steps, batch_size)
        state, values = lax.scan(
            lambda state, given: step(state, (images[given[0]], given[1])),
            state,
            (order, jax.random.split(key, steps)),
        )
        return state, values.mean(0)

    return epoch


def log_posterior(weights, moments, images):
    """log p(z | y) at the means of x and w, (N, K); N is a multiple of 250."""

    def part(images):
        normalised, _ = normaliser(weights, moments, training=False)
        x_mean, _, w_mean, _ = encode(weights, normalised, images.astype("float32") / 255)
        return log_responsibilities(x_mean, *components(weights, w_mean))

    parts = lax.map(part, images.reshape(-1, 250, *images.shape[1:]))
    return parts.reshape(len(images), -1)


def paths_of(args):
    """Where the lines of every seed go, by seed; exits where a run has left some, with which none goes on."""
    name = f"jax_{args.num_components}_{args.num_samples}_{args.min_information}"
    paths = {seed: args.out / f"{name}_{seed}.jsonl" for seed in args.seeds}
    for path in paths.values():
        if path.is_file() and path.read_text():
            sys.exit(f"error: {path} has the lines of a run: move it away, or give another --out.")
    return paths


def train(args):
    """Trains all seeds side by side and keeps a line for each and every epoch."""
    import tf_gmvae
    from tf_gmvae import evaluation

    paths = paths_of(args)
    data = tf_gmvae.data.load("mnist", args.data_dir)
    images, held_out = jnp.asarray(data.train.examples), jnp.asarray(data.test.examples)
    begun = [initial(seed, args.num_components, args.near) for seed in args.seeds]
    weights, moments = jax.tree.map(lambda *values: jnp.stack(values), *begun)
    # Two of them: the state is given away at every call, and no array can be given twice.
    first, second = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
    state = (weights, moments, first, second, jnp.zeros(len(args.seeds)))
    epoch = epoch_of(args.batch_size, args.num_samples, args.learning_rate, args.min_information)
    epoch = jax.jit(jax.vmap(epoch, in_axes=(0, None, 0)), donate_argnums=0)
    posteriors = jax.jit(jax.vmap(log_posterior, in_axes=(0, 0, None)))
    args.out.mkdir(parents=True, exist_ok=True)
    cell = {
        "optimizer": "adam", "weights": f"near-{args.near}", "gradient": "true",
        "min_information": args.min_information, "temperature": 1.0, "learning_rate": args.learning_rate,
        "num_components": args.num_components,
    }  # fmt: skip
    began = time.perf_counter()
    for number in range(1, args.epochs + 1):
        keys = jnp.stack([jax.random.key(1000 * seed + number) for seed in args.seeds])
        state, values = epoch(state, images, keys)
        log_posts = np.asarray(posteriors(*state[:2], held_out))
        for seed, means, log_post in zip(args.seeds, values, log_posts, strict=True):
            reconstruction, conditional_prior, w_prior, z_prior = np.asarray(means).tolist()
            line = {
                "epoch": number, **cell, "seed": seed, "num_samples": args.num_samples,
                **evaluation.scores(np.exp(log_post), data.test.labels, log_posterior=log_post),
                "reconstruction": reconstruction, "conditional_prior": conditional_prior, "w_prior": w_prior,
                "z_prior": z_prior, "elbo": reconstruction - conditional_prior - w_prior - z_prior,
                "seconds": time.perf_counter() - began,
            }  # fmt: skip
            with paths[seed].open("a") as file:
                print(json.dumps(line), file=file)
            print(
                f"seed {seed}, epoch {number} of {args.epochs}: {line['components_in_use']} in use, majority "
                f"{100 * line['accuracy_majority']:.1f} %, Table 1 {100 * line['accuracy_table1']:.1f} %, "
                f"{line['seconds']:.0f} s",
                flush=True,
            )


def check():
    """Terms and gradients of the package's own model and of these functions at the same weights and noise."""
    import tensorflow as tf

    import tf_gmvae
    from tf_gmvae import objective

    model = tf_gmvae.GMVAE.from_preset("mnist", num_components=10, seed=0, initial_weights="near", num_samples=3)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (6, 28, 28, 1)).astype("float32")
    noises = [rng.standard_normal((3, 6, size)).astype("float32") for size in (X, W)]
    left = iter(noises)
    parts = [getattr(model, name).trainable_weights for name in ("encoder", "decoder", "x_head", "w_head")]
    ours = [variable for part in (*parts, model.prior_head.trainable_weights) for variable in part]
    weights, moments = _by_name([variable.numpy() for variable in ours])
    with tf.GradientTape() as tape:
        sampled = model.sampled(
            images, training=True, sampler=lambda mean, log_var, **_: mean + tf.exp(0.5 * log_var) * next(left)
        )
        of_package = objective.elbo_terms(**sampled.of_terms)
        total = objective.training_loss(objective.ElboTerms(*map(tf.reduce_mean, of_package)), 1.0)
    slopes, _ = _by_name([tf.convert_to_tensor(slope).numpy() for slope in tape.gradient(total, ours)])
    of_jax, _ = terms(weights, moments, images, *noises)
    gradients, _ = jax.grad(loss, has_aux=True)(weights, moments, images, *noises, 1.0)
    for name, one, other in zip(of_package._fields, of_package, of_jax, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-3, err_msg=name)
    for name, slope in slopes.items():
        np.testing.assert_allclose(gradients[name], slope, atol=1e-3 * np.abs(slope).max(), err_msg=name)
    print(f"4 terms of {len(images)} images and gradients of {len(slopes)} kinds of weights agree.")


def _by_name(values):
    """The package's trainable values, in its order, by the names of here; and fresh running moments."""
    names = []
    for name in ("e1", "e2", "e3", "e4", "d1", "d2", "d3", "d4"):
        names += [name, f"{name}_norm", f"{name}_norm"]  # gamma and beta become one array
    for name in ("d5", "x", "w", "hidden", "means", "log_vars"):
        names += [name, f"{name}_bias"]
    weights = {}
    for name, value in zip(names, values, strict=True):
        weights[name] = np.stack([weights[name], value]) if name in weights else value
    return weights, initial(0, 1, 1.0)[1]


def main():
    """Reads the flags; trains or checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir")
    parser.add_argument("--num_components", type=int, default=10)
    parser.add_argument("--num_samples", type=int, default=1)
    parser.add_argument("--min_information", type=float, default=0.0)
    parser.add_argument("--near", type=float, default=0.1)
    parser.add_argument("--learning_rate", type=float, default=1e-4)
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs/from_random_weights_jax"))
    parser.add_argument("--precision", choices=("float32", "tensorfloat32"), default="float32", help="of products")
    parser.add_argument("--check", action="store_true", help="hold the package to this file, and train nothing")
    args = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # TensorFlow may want some of the memory
    jax.config.update("jax_default_matmul_precision", args.precision)
    check() if args.check else train(args)


if __name__ == "__main__":
    main()
