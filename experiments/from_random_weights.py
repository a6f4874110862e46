"""Finds which ingredient keeps the paper's objective from collapse, when it is trained from random weights.

python experiments/from_random_weights.py --data_dir=path/to/mnist --optimizer=sign,adam --epochs=2

trains every combination of what its flags list, a process each, `--jobs` at a time. A run that was stopped goes on
from its last whole epoch when the same command is given again, and with more `--epochs` all go on. Lines an epoch
are kept in `--out`; `--show` prints a table of them and draws components in use and accuracy by epoch.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# By optimizer's name: a function of the learning rate. Beside the two of the question stands what Keras has to
# offer.
OPTIMIZERS = {
    "sign": lambda keras, rate: _sign_descent(rate),
    "adam": lambda keras, rate: keras.optimizers.Adam(rate, epsilon=1e-8),
    "adam-short": lambda keras, rate: keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.9, epsilon=1e-8),
    "adam-epsilon": lambda keras, rate: keras.optimizers.Adam(rate, epsilon=1e-4),
    "adam-normalised": lambda keras, rate: keras.optimizers.Adam(rate, epsilon=1e-8, global_clipnorm=1.0),
    "rmsprop": lambda keras, rate: keras.optimizers.RMSprop(rate, rho=0.9, epsilon=1e-8),
    "lion": lambda keras, rate: keras.optimizers.Lion(rate),
    "warm-up": lambda keras, rate: keras.optimizers.Adam(
        keras.optimizers.schedules.PolynomialDecay(0.01 * rate, 1200, rate), epsilon=1e-8
    ),
}
# Which of Torch's initial weights are taken; all others stay Keras'.
WEIGHTS = {
    "keras": (),
    "torch": ("kernel", "bias", "gamma"),
    "kernels": ("kernel",),
    "biases": ("bias",),
    "scales": ("gamma",),
    "prior": ("prior_head",),
    "not-prior": ("encoder", "decoder", "x_head", "w_head"),
    "near-0.3": (),
    "near-0.1": (),
}
# Of Keras' initial kernels that make the components: they begin closer to each other.
NEAR = {"near-0.3": 0.3, "near-0.1": 0.1}
GRADIENTS = ("true", "negated", "stopped")
LISTS = {
    "optimizer": (str, "sign", OPTIMIZERS),
    "weights": (str, "torch", WEIGHTS),
    "gradient": (str, "true", GRADIENTS),
    "min_information": (float, "0", None),
    "temperature": (float, "1", None),
    "learning_rate": (float, "1e-4", None),
    "num_components": (int, "10", None),
    "seed": (int, "0", None),
}
# What all cells of a command share, and a run goes on with.
SHARED = ("dataset", "batch_size")


def main():
    """Reads the flags; runs what is missing, or shows what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; the cores are shared among them")
    parser.add_argument("--out", type=Path, default=Path("runs/from_random_weights"))
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--one", action="store_true", help="run here, in this process, the one that is described")
    for name, (_, default, choices) in LISTS.items():
        parser.add_argument(
            f"--{name}", default=default, help=f"comma-separated: {', '.join(choices or ()) or 'numbers'}"
        )
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f"--jobs must be at least 1. Received: {args.jobs}")
    lists = {}
    for name, (kind, _, choices) in LISTS.items():
        try:
            lists[name] = [kind(text) for text in getattr(args, name).split(",")]
        except ValueError:
            parser.error(f"--{name} takes numbers, with commas between. Received: {getattr(args, name)}")
        unknown = [value for value in lists[name] if choices is not None and value not in choices]
        if unknown:
            parser.error(f"--{name} takes {', '.join(choices)}. Received: {unknown[0]}")
    cells = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.show:
        check_same(args, cells)
    if args.one:
        train(args, **cells[0])
    elif args.show:
        show(args.out)
    else:
        sys.exit(run_all(args, cells))


def path_of(out, cell):
    """Where the lines of a run lie; the model lies beside."""
    return out / ("_".join(f"{value}" for value in cell.values()) + ".jsonl")


def read(path):
    """The finished epochs of a run, dicts."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def check_same(args, cells):
    """Exits where a run of one of these cells was trained on other data, or by other batches."""
    for path in (path_of(args.out, cell) for cell in cells):
        # Lines of an earlier version do not say it.
        for line, name in itertools.product(read(path), SHARED):
            if line.get(name, asked := getattr(args, name)) != asked:
                sys.exit(f"error: {path} is of --{name}={line[name]}, not {asked}: give another --out.")


def run_all(args, cells):
    """A process for each cell that is not finished; 1 if one of them failed, else 0."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // args.jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")

    def run(cell):
        path = path_of(args.out, cell)
        if len(read(path)) >= args.epochs:
            return 0
        shared = {name: getattr(args, name) for name in ("data_dir", "dataset", "epochs", "batch_size", "out")}
        flags = [f"--{name}={value}" for name, value in {**shared, **cell}.items() if value is not None]
        print(f"{path.stem} begins", flush=True)
        with path.with_suffix(".log").open("a") as log:
            status = subprocess.run(
                [sys.executable, __file__, "--one", *flags], stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(names, threads)}, check=False,
            ).returncode  # fmt: skip
        last = read(path)[-1] if read(path) else {}
        print(
            f"{path.stem}: " + (f"failed, see {path.with_suffix('.log')}" if status else describe(last)),
            flush=True,
        )
        return status

    with ThreadPoolExecutor(args.jobs) as pool:
        return max(pool.map(run, cells), default=0) and 1


def describe(line):
    """One epoch in words."""
    return (
        f"epoch {line['epoch']}: {line['components_in_use']} in use, "
        f"majority {100 * line['accuracy_majority']:.1f} %, "
        f"Table 1 {100 * line['accuracy_table1']:.1f} %, w-prior {line['w_prior']:.2f} nats"
    )


def train(
    args, *, optimizer, weights, gradient, min_information, temperature, learning_rate, num_components, seed
):
    """Trains one cell up to `--epochs`, from where it stands."""
    import keras

    import tf_gmvae
    from tf_gmvae import evaluation

    cell = {name: value for name, value in locals().items() if name in LISTS}
    cell = {name: cell[name] for name in LISTS}
    path = path_of(args.out, cell)
    model_path = path.with_suffix(".keras")
    change_gradient(gradient)
    data = tf_gmvae.data.load(args.dataset, args.data_dir)
    steps = data.train.num_examples // args.batch_size
    lines = read(path) if model_path.is_file() else []
    if lines:
        model = keras.saving.load_model(model_path)
        lines = lines[: int(model.optimizer.iterations) // steps]  # the model is saved last
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    else:
        preset = tf_gmvae.presets.for_shape(data.train.data_shape).name
        model = tf_gmvae.GMVAE.from_preset(
            preset, num_components=num_components, min_information=min_information, seed=seed
        )
        draw(model, weights, seed)
        model.compile(OPTIMIZERS[optimizer](keras, learning_rate))
    heat = Temperature(temperature, 2.5 * steps, len(lines) * steps)
    began = time.perf_counter()

    class Tell(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            heat.step()

        def on_epoch_end(self, epoch, logs=None):
            posterior = model.predict(data.test.examples, batch_size=256, verbose=0)
            line = {"epoch": epoch + 1, **cell, **{name: getattr(args, name) for name in SHARED}}
            line |= evaluation.scores(posterior, data.test.labels)
            line |= {name: float(value) for name, value in logs.items()}
            line["seconds"] = time.perf_counter() - began
            partial = model_path.with_name("." + model_path.name)
            model.save(partial)
            with path.open("a") as file:
                print(json.dumps(line), file=file)
            os.replace(partial, model_path)
            print(describe(line), flush=True)

    batches = tf_gmvae.data.to_batches(
        data.train, args.batch_size, shuffle_seed=seed, num_epochs=None, skip_batches=len(lines) * steps,
        drop_remainder=True,
    )  # fmt: skip
    model.fit(
        batches, steps_per_epoch=steps, initial_epoch=len(lines), epochs=args.epochs, verbose=0, callbacks=[Tell()]
    )


def _sign_descent(rate):
    from tf_gmvae.sign_descent import SignDescent

    return SignDescent(rate)


def draw(model, weights, seed):
    """Gives the parts that are named Torch's initial weights, and leaves all others as they are."""
    from tf_gmvae import initial_weights

    parts = ("encoder", "decoder", "x_head", "w_head", "prior_head")
    before = [(part, variable, variable.numpy()) for part in parts for variable in getattr(model, part).weights]
    initial_weights.draw_as_torch(model, seed)
    for part, variable, values in before:
        if part not in WEIGHTS[weights] and variable.name not in WEIGHTS[weights]:
            variable.assign(values)
    for layer in (model.prior_head.means, model.prior_head.log_vars):
        layer.kernel.assign(NEAR.get(weights, 1.0) * layer.kernel)


class Temperature:
    """Divides the densities that p(z | x, w) is made of by a temperature that falls to 1 in a straight line."""

    def __init__(self, first, steps, done):
        import tensorflow as tf

        from tf_gmvae import objective

        self.first, self.steps, self.count = first, steps, done
        self.value = tf.Variable(first, trainable=False)
        if first == 1:
            return
        densities = objective.component_log_densities
        objective.component_log_densities = lambda *arguments: densities(*arguments) / self.value

    def step(self):
        """To be called before every step."""
        if self.first != 1:
            self.value.assign(max(1.0, self.first + (1 - self.first) * self.count / self.steps))
            self.count += 1


def change_gradient(gradient):
    """Turns the sign of the gradient through p(z | x, w), as later branches of the authors did, or stops it."""
    import tensorflow as tf

    from tf_gmvae import objective

    @tf.custom_gradient
    def negated(values):
        return tf.identity(values), lambda upstream: -upstream

    true = objective.log_responsibilities
    if gradient == "negated":
        objective.log_responsibilities = lambda *arguments: negated(true(*arguments))
    elif gradient == "stopped":
        objective.log_responsibilities = lambda *arguments: tf.stop_gradient(true(*arguments))


def show(out):
    """Prints a line a run, components in use / majority accuracy by epoch, and draws them, the seeds together."""
    groups = {}
    for path in sorted(out.glob("*.jsonl")):
        lines = read(path)
        if not lines:
            continue
        epochs = ", ".join(
            f"{line['components_in_use']} / {100 * line['accuracy_majority']:.0f}" for line in lines
        )
        last = lines[-1]
        print(
            f"{path.stem}: {epochs}; Table 1 {100 * last['accuracy_table1']:.1f} %, "
            f"w-prior {last['w_prior']:.2f}, conditional {last['conditional_prior']:.1f}, ELBO {last['elbo']:.1f}"
        )
        groups.setdefault(name_of(last), []).append(lines)
    if not groups:
        sys.exit(f"error: no run in {out} has finished an epoch: give the command without --show first.")
    draw_groups(groups, out)


def name_of(line):
    """What a run is called in the figure: all that is not the default, but for the seed."""
    told = [f"{line['optimizer']}, {line['weights']}"]
    for name, (kind, default, _) in LISTS.items():
        if name not in ("optimizer", "weights", "seed") and line[name] != kind(default):
            told.append(f"{line[name]} {name.removeprefix('num_').replace('_', ' ')}")
    if line.get("num_samples", 1) != 1:  # which only from_random_weights_jax.py has
        told.append(f"{line['num_samples']} samples")
    return ", ".join(told)


def draw_groups(groups, out):
    """Components in use and majority accuracy by epoch, a thin line a seed."""
    from tf_gmvae.figures import style

    @style.styled
    def drawn():
        figure = style.new(style.PAGE, 3.4)
        axes = figure.subplots(1, 2)
        for (name, runs), (dash, colour) in zip(sorted(groups.items()), style.line_styles(), strict=False):
            for number, lines in enumerate(runs):
                epochs = [line["epoch"] for line in lines]
                for ax, key, scale in zip(axes, ("components_in_use", "accuracy_majority"), (1, 100), strict=True):
                    values = [scale * line[key] for line in lines]
                    label = name if number == 0 and ax is axes[0] else None
                    ax.plot(epochs, values, dash, color=colour, marker=".", label=label)
        for ax, label in zip(axes, ("components in use", "test accuracy, majority, %"), strict=True):
            ax.set_xlabel("epoch")
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.set_ylabel(label)
            ax.set_ylim(bottom=0)
        figure.legend(loc="outside right upper")
        style.save(figure, out / "from-random-weights.png", out / "from-random-weights.svg")

    drawn()


if __name__ == "__main__":
    main()
