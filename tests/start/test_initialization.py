"""The start finds clusters without labels, sets the model up with them, and repeats itself under its seed."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.full import disk_is_full

import tf_gmvae
from layers import GaussianHead, MixturePriorHead
from tf_gmvae import CollapseWatch, InputError, evaluation, priors
from tf_gmvae.start import factors, initialization, latent_map
from tf_gmvae.start.checkpoints import Checkpoints
from tf_gmvae.start.stages import GuidedTraining, Pretraining


@pytest.fixture
def blobs():
    """600 points of three well separated clusters in six dimensions, and their clusters."""
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 3
    return (rng.normal(0, 6, (3, 6))[labels] + rng.normal(size=(600, 6))).astype("float32"), labels


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Small data do not need a thousand steps to show what is tested here."""
    monkeypatch.setattr(initialization, "LEAST_STEPS", 150)


def started(make_table_model, data, **options):
    model = make_table_model(num_components=3, num_samples=1, **options.pop("model", {}))
    start = model.initialize(data, pretraining_epochs=1, guided_epochs=1, beta=0.1, verbose=0, **options)
    return model, start.labels


def test_clusters_are_found_and_kept(make_table_model, blobs):
    examples, labels = blobs
    model, soft = started(make_table_model, examples, model={"latent_dim": 6})
    np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-5)
    assert evaluation.hungarian_accuracy(soft, labels) > 0.97
    posterior = model.predict(examples, verbose=0)
    # The model's own posterior numbers the clusters as the labels found do.
    assert np.mean(posterior.argmax(axis=1) == soft.argmax(axis=1)) > 0.97
    assert int(model.optimizer.iterations) == 0
    model.fit(examples, epochs=3, verbose=0)
    assert evaluation.hungarian_accuracy(model.predict(examples, verbose=0), labels) > 0.97


def said_of_components(model, examples, epochs):
    watch = CollapseWatch(examples)
    model.fit(examples, batch_size=20, epochs=epochs, verbose=0, callbacks=[watch])
    return [sentence for sentence in watch.verdicts if not sentence.startswith("w ")]


@pytest.mark.slow
def test_the_start_that_the_watch_advises_works(make_table_model, blobs):
    examples, _ = blobs
    three = make_table_model(num_components=3, num_samples=1, latent_dim=6)
    assert three.initialized is False
    biases = three.prior_head.means.bias.numpy().reshape(3, 6)
    biases[1:] = 50.0  # everything goes into component 0
    three.prior_head.means.bias.assign(biases.reshape(-1))
    three.optimizer.learning_rate = 1e-6
    (said,) = said_of_components(three, examples, 1)
    assert said.startswith("One component takes nearly all") and "Begin with model.initialize(data)" in said
    three.initialize(examples, pretraining_epochs=1, guided_epochs=1, beta=0.1, verbose=0)
    assert three.initialized is True
    three.optimizer.learning_rate = 1e-3
    assert said_of_components(three, examples, 5) == []
    assert tf_gmvae.GMVAE.from_config(three.get_config()).initialized is None  # as when loaded


@pytest.mark.slow
def test_what_the_watch_advises_after_a_start_works(make_table_model, blobs):
    examples, _ = blobs
    ten = make_table_model(num_components=10, num_samples=1, latent_dim=6)
    ten.initialize(examples, pretraining_epochs=1, guided_epochs=1, beta=0.1, verbose=0)
    weights = ten.get_weights()
    (said,) = said_of_components(ten, examples, 15)
    # Fewer is what the three of the test above are, which have begun in the same way.
    assert said.startswith("Components overlap") and said.endswith("Use fewer components (num_components).")
    ten.set_weights(weights)
    ten.optimizer.learning_rate = 0.1
    (said,) = said_of_components(ten, examples, 1)
    # A lower one is what it had before: the components overlapped, and were used.
    assert said.startswith(("Few components", "One component", "Starved components"))
    assert "ower the learning rate" in said


@pytest.mark.slow
def test_the_seed_decides_and_the_form_of_the_data_does_not(make_table_model, blobs, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 50)
    examples, _ = blobs
    # All forms are in tests/model/test_forms_of_data.py, but for this one.
    labelled = tf.data.Dataset.from_tensor_slices((examples, np.zeros(600))).batch(70)
    one, same, different = (
        started(make_table_model, data, model={"seed": seed})[0].get_weights()
        for data, seed in ((examples, 0), (labelled, 0), (examples, 1))
    )
    for ours, theirs in zip(one, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert any(np.abs(ours - theirs).max() > 1e-3 for ours, theirs in zip(one, different, strict=True))


def test_labels_are_learned_from_views(make_table_model, table):
    stage = GuidedTraining(make_table_model(num_components=3))
    labels, losses = tf.one_hot(np.arange(20) % 3, 3), []
    for shown, view in ((table[:20], tf.zeros_like), (0 * table[:20], None), (table[:20], None)):
        stage.view = view
        stage.gmvae.sampler.reset()
        losses.append(float(stage.loss_and_terms((tf.constant(shown), labels))[0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-2)


@pytest.mark.slow
def test_images_cluster_better_than_chance_can(digits, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 150)
    images, labels = digits
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0)
    model.compile()
    model.initialize(images, beta=0.1, verbose=0)
    posterior = model.predict(images, verbose=0)
    assert evaluation.majority_accuracy(posterior, labels) > 0.75
    assert evaluation.components_in_use(posterior) == 10


def test_more_data_than_asked_for_is_drawn_from(make_table_model, blobs):
    model, soft = started(make_table_model, tf_gmvae.data.Split(blobs[0]), max_examples=200)
    assert soft.shape == (200, 3)
    assert np.isfinite(model.predict(blobs[0], verbose=0)).all()


def test_one_component_and_no_factors_are_possible(make_table_model, blobs):
    model = make_table_model(num_components=1)
    model.prior_head.trainable = False  # which is given its start all the same
    with pytest.warns(UserWarning, match=r"sets prior_head to the clusters that it found, though not trainable"):
        soft = model.initialize(blobs[0], pretraining_epochs=1, guided_epochs=0, num_factors=0, verbose=0).labels
    np.testing.assert_array_equal(soft, np.ones((600, 1)))
    assert np.isfinite(model.evaluate(blobs[0], verbose=0)).all()


@pytest.mark.slow
def test_progress_is_shown(make_table_model, blobs, capsys, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 10)
    make_table_model(num_components=3).initialize(blobs[0], pretraining_epochs=1, guided_epochs=1, verbose=2)
    said = capsys.readouterr().out
    for part in (
        "Start 1/3: 3 clusters in 600 examples",
        "Examples a cluster: ",
        "Start 2/3: 1 epoch as",
        "Start 3/3",
        "agreement",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.eye(3, 6, dtype="float32"), {}, "3 examples cannot make 4 clusters"),
        (np.zeros((9, 5), "float32"), {}, r"shape \(5,\) do not fit"),
        (np.full((9, 6), np.nan, "float32"), {}, "is nan"),
        (tf_gmvae.data.Split(np.zeros((9, 5), "float32")), {}, r"shape \(5,\) do not fit"),
        (3e38 * np.linspace(0.9, 1, 54, dtype="float32").reshape(9, 6), {}, "Training diverged"),
        (tf.data.Dataset.from_tensor_slices(np.zeros((0, 6), "float32")).batch(2), {}, "There is no example"),
        (np.eye(9, 6, dtype="float32"), {"pretraining_epochs": 0}, "pretraining_epochs"),
        (np.eye(9, 6, dtype="float32"), {"num_factors": -1}, "num_factors"),
        (np.eye(9, 6, dtype="float32"), {"guidance": -1.0}, "`guidance` must be a number of nats >= 0"),
    ],
)
def test_bad_data_get_a_sentence(make_table_model, data, options, message):
    model = make_table_model()
    before = model.get_weights()
    with pytest.raises((InputError, tf_gmvae.TrainingDivergedError), match=message):
        model.initialize(data, verbose=0, **options)
    if "diverged" in message:
        return
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_groups_of_styles_than_examples_are_refused_before_any_work(make_table_model, table):
    model = make_table_model(num_components=2, style_prior=priors.MixturePrior(8))
    with pytest.raises(InputError, match="6 examples cannot make 8 groups of styles: .* fewer style_components"):
        model.initialize(table[:6], verbose=0)
    with pytest.raises(InputError, match="`max_examples` must be an integer >= 8"):
        model.initialize(table, max_examples=6, verbose=0)


def test_values_a_likelihood_cannot_take_get_a_sentence():
    bright = tf_gmvae.data.Split(7 * np.random.default_rng(0).random((50, 8, 8, 1), "float32"))
    model = tf_gmvae.GMVAE.from_preset("digits", seed=0)
    model.compile()
    with pytest.raises(InputError, match="is .*bernoulli likelihood takes"):
        model.initialize(bright, verbose=0)


def test_pretraining_trains_the_plain_vae_alone(make_table_model, table):
    model = make_table_model()
    before = {id(weight): weight.numpy() for weight in model.trainable_weights}
    stage = Pretraining(model, beta=0.5)
    history = stage.fit(table, batch_size=50, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    terms = 0.5 * history["x_prior"][-1] - history["reconstruction"][-1]
    assert history["loss"][-1] == pytest.approx(terms, rel=1e-5)
    trained = {id(weight) for weight in stage.weights_to_train()}
    for weight in model.trainable_weights:
        assert (np.abs(before[id(weight)] - weight.numpy()).max() > 0) == (id(weight) in trained), weight.path


def test_factor_analysis_finds_planted_factors():
    rng = np.random.default_rng(0)
    means, loadings = rng.normal(0, 5, (2, 8)), rng.normal(size=(2, 2, 8))
    labels, given = np.arange(20_000) % 2, rng.normal(size=(20_000, 2))
    noise = np.array([0.3, 0.8])[labels, None]
    latents = (
        means[labels] + np.einsum("nj,njd->nd", given, loadings[labels]) + noise * rng.normal(size=(20_000, 8))
    )
    found = factors.analyse(latents, labels, 2, 2)
    np.testing.assert_allclose(found.means, means, atol=0.1)
    left = []
    for k in range(2):
        covariance = found.loadings[k].T @ found.loadings[k] + np.diag(np.exp(found.log_vars[k]))
        expected = loadings[k].T @ loadings[k] + np.eye(8) * [0.09, 0.64][k]
        np.testing.assert_allclose(covariance, expected, atol=0.15)
        # The expected factors of the Gaussian that a cluster is, and what is left of their variance.
        weights = np.linalg.solve(covariance, found.loadings[k].T)
        expected = (latents[labels == k] - found.means[k]) @ weights
        np.testing.assert_allclose(found.scores[labels == k], expected, atol=1e-8)
        left.append(1 - np.diag(found.loadings[k] @ weights))
    np.testing.assert_allclose(np.exp(found.log_var_scores), np.mean(left, axis=0))


def test_factors_mean_the_same_in_all_clusters():
    rng, labels = np.random.default_rng(0), np.repeat([0, 1, 2], [200, 200, 3])
    noise = np.array([0.2, 1.0, 0.2])[labels, None]
    latents = rng.normal(size=(403, 2)) @ rng.normal(size=(2, 6)) + noise * rng.normal(size=(403, 6))
    *others, common = factors.analyse(latents, labels, 3, 2).loadings  # the third has too few for its own
    for own in others:  # turned towards the common ones as far as a rotation can
        product = own @ common.T
        np.testing.assert_allclose(product, product.T, atol=1e-8)
        assert (np.linalg.eigvalsh(product) > 0).all()


def test_a_latent_that_never_changes_has_a_width():
    latents = np.random.default_rng(0).normal(size=(100, 4)) * [1, 1, 1, 0]
    found = factors.analyse(latents, np.arange(100) % 2, 2, 1)
    np.testing.assert_allclose(found.log_vars[:, 3], np.log(factors.LEAST_VARIANCE))


def test_factor_analysis_does_without_the_examples_it_lacks():
    latents = np.random.default_rng(0).normal(size=(100, 6))
    labels = np.zeros(100, int)
    labels[:3] = 1
    found = factors.analyse(latents, labels, 3, 2)
    np.testing.assert_allclose(found.means[2], latents.mean(axis=0))
    np.testing.assert_array_equal(found.loadings[1], found.loadings[2])
    assert all(np.isfinite(values).all() for values in found)


def test_a_map_of_few_points_is_the_points():
    points = np.random.default_rng(0).normal(size=(20, 3))
    assert latent_map.neighbourhood_map(points) is points


def test_active_dimensions():
    means = np.random.default_rng(0).normal(0, [1, 1e-3, 0.5], (500, 3))
    np.testing.assert_array_equal(latent_map.active(means), [True, False, True])
    assert latent_map.active(means * 1e-6).all()


@pytest.mark.parametrize("hidden_units", [(), (7,), (7, 6)])
def test_assigned_components_move_with_w(hidden_units):
    rng = np.random.default_rng(0)
    head = MixturePriorHead(3, 5, hidden_units, seed=0)
    head.build((None, 4))
    means, loadings, log_vars = (rng.normal(size=shape) for shape in ((3, 5), (3, 2, 5), (3, 5)))
    head.assign_components(means, loadings, log_vars, others=0.0)
    at_zero, at_zero_log_vars = head(np.zeros((1, 4)))
    np.testing.assert_allclose(at_zero[0], means, atol=1e-5)
    np.testing.assert_allclose(at_zero_log_vars[0], log_vars, atol=1e-5)
    w = np.array([[0.5, -0.5, 9.0, 9.0]])
    expected = means + np.einsum("j,kjd->kd", w[0, :2], loadings)
    np.testing.assert_allclose(head(w)[0][0], expected, atol=0.1)
    np.testing.assert_allclose(head(w)[1][0], log_vars, atol=1e-5)


def test_a_split_component_and_its_copy_lie_on_either_side():
    head = MixturePriorHead(3, 5, (7,), seed=0)
    w = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    means, log_vars = (stream.numpy() for stream in head(w))
    shift = np.arange(5.0)
    head.split_component(source=0, target=2, shift=shift)
    after, log_vars_after = (stream.numpy() for stream in head(w))
    np.testing.assert_allclose(after[:, 0], means[:, 0] - shift, atol=1e-5)
    np.testing.assert_allclose(after[:, 2], means[:, 0] + shift, atol=1e-5)
    np.testing.assert_allclose(after[:, 1], means[:, 1], atol=1e-6)
    np.testing.assert_allclose(log_vars_after, log_vars[:, [0, 1, 0]], atol=1e-6)


def test_an_assigned_head_is_linear_in_the_features():
    rng = np.random.default_rng(0)
    head = GaussianHead(4, seed=0)
    features = rng.normal(size=(6, 5)).astype("float32")
    head(features)
    kernel, bias, log_vars = rng.normal(size=(5, 2)), rng.normal(size=2), rng.normal(size=2)
    head.assign_linear(kernel, bias, log_vars, others=0.0)
    mean, log_var = head(features)
    np.testing.assert_allclose(mean[:, :2], features @ kernel + bias, atol=1e-4)
    np.testing.assert_allclose(log_var[:, :2], np.tile(log_vars, (6, 1)), atol=1e-5)
    np.testing.assert_array_equal(mean[:, 2:], np.zeros((6, 2)))
    np.testing.assert_array_equal(log_var[:, 2:], np.zeros((6, 2)))


class Killed(Exception):
    """The end of a start before its time."""


class KillAfter(keras.callbacks.Callback):
    """Ends a start after so many epochs of its stages."""

    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if self.left == 0:
            raise Killed
        self.left -= 1


# In the first epoch of all, and in each of the others; of the two of a stage one will do.
@pytest.mark.parametrize("breaks", [(3,), pytest.param((0, 1, 1, 1), marks=pytest.mark.slow)])
def test_a_start_that_is_killed_goes_on_wherever_it_was(breaks, make_table_model, blobs, tmp_path, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 60)
    examples, _ = blobs
    options = {
        "pretraining_epochs": 2,
        "guided_epochs": 2,
        "batch_size": 100,
        "verbose": 0,
        "beta": np.float32(0.1),
    }

    def new():
        return make_table_model(num_components=3, num_samples=1)

    straight = new()
    labels = straight.initialize(examples, **options).labels
    folder = tmp_path / "start"
    for epochs in breaks:
        with pytest.raises(Killed):
            new().initialize(examples, **options, checkpoints=folder, callbacks=[KillAfter(epochs)])
        assert (folder / "start.json").is_file()
    assert {path.name for path in folder.iterdir()} == {
        "start.json", "pretraining.npz", "labels.npy", "guided.npz"
    }  # fmt: skip
    resumed = new()
    start = resumed.initialize(examples, **options, checkpoints=folder)
    np.testing.assert_array_equal(start.labels, labels)
    for weight, expected in zip(resumed.weights, straight.weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6, err_msg=weight.path)
    assert not folder.exists()
    if breaks[1:]:  # among the slow ones; the noise went on, too
        losses = [model.fit(examples, verbose=0, shuffle=False).history["loss"] for model in (resumed, straight)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.slow
def test_a_start_that_an_earlier_version_began_goes_on(make_table_model, blobs, tmp_path, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 20)
    examples, _ = blobs
    folder = tmp_path / "start"

    class AsBefore(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.save_weights(folder / "pretraining.weights.h5")

    def began(**more):
        model = make_table_model(num_components=3, num_samples=1)
        model.initialize(examples, pretraining_epochs=2, guided_epochs=0, verbose=0, **more)
        return model

    with pytest.raises(Killed):
        began(checkpoints=folder, callbacks=[AsBefore(), KillAfter(1)])
    (folder / "pretraining.npz").unlink()
    last = KillAfter(1)  # one of the two epochs is left
    resumed, straight = began(checkpoints=folder, callbacks=[last]), began()
    assert last.left == 0
    for weight, expected in zip(resumed.weights, straight.weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6, err_msg=weight.path)


def test_a_stage_in_bfloat16_is_kept(tmp_path):
    stage = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="bfloat16")])
    stage.compile("adam", "mse")
    checkpoints = Checkpoints(tmp_path / "start", {})
    stage.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=checkpoints.callbacks("stage"))
    other = keras.models.clone_model(stage)
    other.compile("adam", "mse")
    other.optimizer.build(other.trainable_variables)
    assert checkpoints.restore(other, "stage") == 1
    for ours, theirs in zip(other.get_weights(), stage.get_weights(), strict=True):
        np.testing.assert_array_equal(ours.astype("float32"), theirs.astype("float32"))
    with pytest.raises(
        InputError, match=r"stage.npz cannot be read \(it is of another model\): remove the folder"
    ):
        third = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
        third.compile("adam", "mse")
        checkpoints.restore(third, "stage")


def test_what_a_full_disk_cuts_short_leaves_the_former_file(make_table_model, tmp_path):
    checkpoints = Checkpoints(tmp_path / "start", {})
    (keep,) = checkpoints.callbacks("guided")
    keep.set_model(GuidedTraining(make_table_model()))
    labels = np.eye(3)[np.arange(300) % 3]
    for name, write in {
        "labels.npy": lambda: checkpoints.keep_labels(labels), "guided.npz": lambda: keep.on_epoch_end(0)
    }.items():  # fmt: skip
        write()
        path = tmp_path / "start" / name
        before = path.read_bytes()
        with disk_is_full(after=len(before) // 2), pytest.raises(OSError):
            write()
        assert path.read_bytes() == before
    np.testing.assert_array_equal(checkpoints.labels(), labels)


@pytest.mark.parametrize(
    ("num_values", "asked", "guidance"),
    [
        (6, {}, 20.0),
        (1568, {}, 40.0),
        pytest.param(1568, {"guidance": np.float32(3)}, 3.0, marks=pytest.mark.slow),
    ],
)
def test_labels_weigh_more_beside_many_values(num_values, asked, guidance, tmp_path, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 10)
    examples = np.random.default_rng(0).normal(size=(40, num_values)).astype("float32")
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            if isinstance(self.model, GuidedTraining):
                steps = self.params["epochs"] * self.params["steps"]
                rate = self.model.optimizer.get_config()["learning_rate"]["config"]
                seen.append((self.model.guidance, rate["initial_learning_rate"], rate["decay_steps"] == steps))
                raise Killed

    model = tf_gmvae.GMVAE(
        keras.Sequential([keras.layers.Dense(8, "relu")]), keras.Sequential([keras.layers.Dense(2 * num_values)]),
        latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian", prior_units=(8,), seed=0,
    )  # fmt: skip
    model.compile(keras.optimizers.Adam(1e-3))
    folder = tmp_path / "start"
    with pytest.raises(Killed):
        model.initialize(
            examples,
            pretraining_epochs=1,
            guided_epochs=2,
            checkpoints=folder,
            callbacks=[Look()],
            verbose=0,
            **asked,
        )
    assert seen == [(guidance, 1e-3, True)]  # and the rate falls over all steps
    # What a start that goes on compares itself with.
    assert json.loads((folder / "start.json").read_text())["guidance"] == guidance


def test_a_folder_that_is_not_of_this_start_gets_a_sentence(make_table_model, blobs, tmp_path, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 2)
    examples = blobs[0][:210]  # too few for a map
    model = make_table_model(num_components=3, num_samples=1)
    options = {"pretraining_epochs": 2, "guided_epochs": 0, "verbose": 0}
    folder = tmp_path / "start"
    folder.mkdir()
    (folder / ".partial-elsewhere-1-0a.json").write_text("half")  # of one that was killed before it began
    with pytest.raises(Killed):
        model.initialize(examples, **options, checkpoints=folder, callbacks=[KillAfter(1)])
    with pytest.raises(InputError, match="a start with batch_size=200, which cannot go on with batch_size=99"):
        model.initialize(examples, **options, batch_size=99, checkpoints=folder)
    with pytest.raises(InputError, match="num_examples=210, which cannot go on with num_examples=209: remove the"):
        model.initialize(examples[1:], **options, checkpoints=folder)
    weights = folder / "pretraining.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"pretraining.npz cannot be read .*: remove the folder"):
        make_table_model(num_components=3).initialize(examples, **options, checkpoints=folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="holds something other than a start: name another folder"):
        model.initialize(examples, **options, checkpoints=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").is_file()
