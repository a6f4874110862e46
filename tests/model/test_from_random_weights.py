"""Sign descent and Torch's initial weights: what they compute, and that with them nothing collapses."""

import argparse
import json
import runpy
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, run_python

import tf_gmvae
from tf_gmvae import InputError, initial_weights
from tf_gmvae.sign_descent import SignDescent


def test_sign_descent_is_adams_first_step_at_every_step():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(3, 50)) * 10.0 ** rng.uniform(-12, 2, 50)
    start = rng.normal(size=50)
    variable = keras.Variable(start, dtype="float64")
    optimizer = SignDescent(1e-2)
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
    # Adam by its equations, each step its first; 50 examples summed, as the authors had them.
    expected = start.copy()
    for gradient in 50 * gradients:
        mean, square = (1 - 0.9) * gradient, (1 - 0.999) * gradient**2
        size = 1e-2 * np.sqrt(1 - 0.999) / (1 - 0.9)
        expected -= size * mean / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-6)
    assert optimizer.variables == [optimizer.iterations, optimizer._learning_rate]  # no memory


def test_sign_descent_goes_through_files_schedules_and_half_precision(make_table_model, table, tmp_path):
    model = make_table_model()
    model.compile(SignDescent(keras.optimizers.schedules.ExponentialDecay(1e-3, 10, 0.5), epsilon=1e-7))
    model.fit(table, batch_size=50, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.epsilon == 1e-7 and int(loaded.optimizer.iterations) == 8
    losses = [each.fit(table, batch_size=50, shuffle=False, verbose=0).history["loss"] for each in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    half = keras.Variable(np.ones(3), dtype="float16")
    SignDescent(0.5).apply([tf.constant([1.0, -1, 0], "float16")], [half])
    np.testing.assert_array_equal(half, [0.5, 1.5, 1])


def test_every_weight_is_drawn_within_its_fan_in():
    model = tf_gmvae.GMVAE.from_preset("mnist", num_components=3, seed=0)
    initial_weights.draw_as_torch(model, seed=7)
    fan_in = {
        # Kernels of 6x6 and 4x4; the last of the decoder is a full-convolution of 16 maps.
        model.encoder.layers[0]: 36, model.encoder.layers[3]: 36 * 16, model.encoder.layers[6]: 16 * 32,
        model.decoder.layers[-1]: 36 * 16, model.x_head.streams: 500, model.prior_head.hidden[0]: 150,
        model.prior_head.means: 500,
    }  # fmt: skip
    for layer, inputs in fan_in.items():
        for values in layer.get_weights():
            assert abs(values).max() <= 1 / np.sqrt(inputs)
            if values.size > 100:
                assert abs(values).max() > 0.95 / np.sqrt(inputs)
                assert abs(values.mean()) < 4 / np.sqrt(3 * inputs * values.size)
    scales = np.concatenate([layer.gamma for layer in model.encoder.layers if hasattr(layer, "gamma")])
    assert scales.min() >= 0 and scales.max() <= 1 and abs(scales.mean() - 0.5) < 0.05
    assert all((layer.beta.numpy() == 0).all() for layer in model.encoder.layers if hasattr(layer, "beta"))
    again, other = (tf_gmvae.GMVAE.from_preset("mnist", num_components=3, seed=1) for _ in range(2))
    initial_weights.draw_as_torch(again, seed=7)
    initial_weights.draw_as_torch(other, seed=8)
    for one, same, different in zip(
        model.trainable_weights, again.trainable_weights, other.trainable_weights, strict=True
    ):
        np.testing.assert_array_equal(one, same)
        assert "beta" in one.path or (one.numpy() != different.numpy()).mean() > 0.99


def test_components_begin_near_each_other_and_all_else_as_it_was():
    plain, near = (
        tf_gmvae.GMVAE.from_preset("digits", seed=0, initial_weights=name) for name in ("keras", "near")
    )
    w = np.random.default_rng(0).normal(size=(50, 16)).astype("float32")
    for mine, theirs in zip(near.mixture_prior(w), plain.mixture_prior(w), strict=True):
        np.testing.assert_allclose(mine, 0.1 * theirs, rtol=1e-4, atol=1e-6)
    changed = [
        one.path
        for one, other in zip(near.trainable_weights, plain.trainable_weights, strict=True)
        if (one.numpy() != other.numpy()).any()
    ]
    assert len(changed) == 2 and all("prior_head" in path and path.endswith("kernel") for path in changed)
    with pytest.raises(InputError, match="must be one of keras, near, torch. Received: 'far'"):
        tf_gmvae.GMVAE.from_preset("digits", initial_weights="far")


def test_networks_without_weights_get_a_sentence():
    with pytest.raises(InputError, match="net has no weights yet, .* call its build"):
        initial_weights.draw_as_torch(keras.Sequential([keras.layers.Dense(3)], name="net"))
    networks = (keras.Sequential([keras.layers.Dense(4)]) for _ in range(2))
    unbuilt = tf_gmvae.GMVAE(*networks, latent_dim=2, style_dim=2, num_components=3, name="later")
    with pytest.raises(InputError, match="later has no weights yet, .* call its build"):
        initial_weights.bring_components_near(unbuilt)


def test_without_jax_the_second_program_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(SystemExit, match="^error: this needs JAX: pip install "):
        runpy.run_path(str(ROOT / "experiments" / "from_random_weights_jax.py"))


def test_the_second_program_leaves_the_lines_of_a_run_as_they_are(monkeypatch, tmp_path):
    for name in ("jax", "jax.numpy", "jax.lax"):  # of which nothing is called
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["jax"].numpy, sys.modules["jax"].lax = sys.modules["jax.numpy"], sys.modules["jax.lax"]
    program = runpy.run_path(str(ROOT / "experiments" / "from_random_weights_jax.py"))
    args = argparse.Namespace(num_components=10, num_samples=1, min_information=0.0, seeds=[0, 1], out=tmp_path)
    paths = program["paths_of"](args)
    paths[1].write_text('{"epoch": 1}\n')
    with pytest.raises(SystemExit, match="jax_10_1_0.0_1.jsonl has the lines of a run: move it away, or give"):
        program["train"](args)
    assert paths[1].read_text() == '{"epoch": 1}\n'


def test_runs_of_one_and_ten_samples_are_two_in_the_figure():
    program = runpy.run_path(str(ROOT / "experiments" / "from_random_weights.py"))
    line = {name: kind(default) for name, (kind, default, _) in program["LISTS"].items()}
    names = [program["name_of"](line | more) for more in ({}, {"num_samples": 1}, {"num_samples": 10})]
    assert names == ["sign, torch", "sign, torch", "sign, torch, 10 samples"]


@pytest.mark.slow
def test_the_experiment_goes_on_where_it_stopped_and_only_with_its_own_data(tmp_path):
    def command(*flags):
        program = ROOT / "experiments" / "from_random_weights.py"
        return run_python(program, "--dataset=digits", "--seed=0,1", f"--out={tmp_path}", *flags)

    assert command("--epochs=1", "--optimizer=adam", "--gradient=negated").returncode == 0
    assert command("--epochs=2", "--optimizer=adam", "--gradient=negated,true", "--jobs=2").returncode == 0
    runs = {path.stem: [json.loads(line) for line in path.open()] for path in tmp_path.glob("*.jsonl")}
    assert all([line["epoch"] for line in lines] == [1, 2] for lines in runs.values())
    assert sorted(runs) == [
        f"adam_torch_{gradient}_0.0_1.0_0.0001_10_{seed}" for gradient in ("negated", "true") for seed in (0, 1)
    ]
    first, other = (runs[f"adam_torch_{gradient}_0.0_1.0_0.0001_10_0"][0] for gradient in ("negated", "true"))
    assert first["conditional_prior"] != other["conditional_prior"]
    refused = command("--epochs=3", "--optimizer=adam", "--batch_size=20")
    assert refused.returncode == 1 and "is of --batch_size=50, not 20: give another --out." in refused.stderr
    shown = command("--show")
    assert shown.stdout.count(" / ") == 8 and (tmp_path / "from-random-weights.png").stat().st_size > 10_000
