"""The report of a run: what it shows, of which data, and that it needs nothing but itself."""

import numpy as np
import pytest
from conftest import run_python
from pages import check_self_contained

import tf_gmvae
from tf_gmvae import latent_map
from tf_gmvae.data import Dataset, Split
from tf_gmvae.errors import InputError
from tf_gmvae.image_sheets import Pixels, sheet
from tf_gmvae.report import Findings, charts, members
from train import report, scoring
from train.run_folder import RunFolder
from train.settings import Settings


def settings(**overrides):
    import absl.flags

    from train import settings as module

    values = absl.flags.FlagValues()
    module.define(values)
    values(["", "--dataset=made", "--data_dir=/secret/place", *(f"--{k}={v}" for k, v in overrides.items())])
    return Settings.from_flags(values).resolved("digits", "bernoulli")


def written(model, dataset, tmp_path, **overrides):
    """The page and metrics of an untrained model's run."""
    folder = RunFolder(tmp_path / "a <run>")
    folder.path.mkdir()
    chosen = settings(num_components=model.num_components, **overrides)
    examination = scoring.examine(model, chosen, dataset)
    metrics = scoring.score(model, chosen, dataset, folder, examination)
    report.write(model, chosen, dataset, folder, examination, metrics)
    return folder.report.read_text(encoding="utf-8"), metrics, examination


def image_model(num_components, data_shape=(8, 8, 1)):
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=num_components, data_shape=data_shape, seed=0)
    model.compile()
    return model


def test_a_page_of_images_shows_every_component_and_its_own_members(digits, tmp_path):
    images, labels = digits[0][:55], digits[1][:55]
    html, metrics, examined = written(image_model(4), Dataset("made", Split(images, labels)), tmp_path)
    page = check_self_contained(html)
    clusters = examined.posterior.argmax(axis=1)
    shown = page.images()
    for k in range(4):
        members_of = np.flatnonzero(clusters == k)
        if not len(members_of):
            assert f"Mean image of component {k}" not in shown
            continue
        assert f"Component {k} {len(members_of)} examples" in page.text
        mean = np.asarray(shown[f"Mean image of component {k}"])
        np.testing.assert_allclose(mean, 255 * images[members_of, :, :, 0].mean(axis=0), atol=0.51)
        assert shown[f"8 samples of component {k} at w = 0"].size == (8 * 9 - 1, 8)
        most = shown[f"{min(8, (len(members_of) + 1) // 2)} most certain members of component {k}"]
        best = members_of[examined.posterior[members_of, k] == examined.posterior[members_of, k].max()]
        first = np.asarray(most)[:, :8]
        assert any(np.array_equal(first, np.round(255 * images[i, :, :, 0])) for i in best)
    least = np.argsort(examined.terms.elbo)[0]
    anomalies = np.asarray(shown["The 24 least likely images"])
    np.testing.assert_array_equal(anomalies[:8, :8], np.round(255 * images[least, :, :, 0]))
    assert f"{100 * metrics['accuracy_table1']:.1f} %" in page.text
    assert "a <run>" in page.text
    assert "/secret/place" not in html
    # Every example is in one cell of the table of components and labels.
    cells = page.text.split("true label (columns)")[1].split("The least likely")[0].split()
    classes = len(np.unique(labels))
    rows = np.reshape([int(cell) for cell in cells[1 + classes :]], (-1, 1 + classes))
    assert rows[:, 1:].sum() == 55
    for row in rows:
        np.testing.assert_array_equal(
            row[1:], [np.sum((clusters == row[0]) & (labels == c)) for c in np.unique(labels)]
        )


def test_colours_are_shown_in_colour_and_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (50, 16, 16, 3)).astype("uint8")
    html, _, _ = written(image_model(100, (16, 16, 3)), Dataset("made", Split(images)), tmp_path)
    page = check_self_contained(html)
    assert {image.mode for image in page.images().values()} == {"RGB"}
    assert "components take no example" in page.text
    assert "accuracy" not in page.text and "Components and labels" not in page.text
    assert len(html) < 5e6


@pytest.mark.parametrize("columns", [2, 6, 200])
def test_tables_are_shown_as_profiles(columns, tmp_path):
    rng = np.random.default_rng(0)
    table = rng.normal(0, 3, (80, columns)).astype("float32")
    model = tf_gmvae.GMVAE.from_preset("synthetic", num_components=3, data_shape=(columns,), seed=0)
    model.compile()
    html, _, examined = written(model, Dataset("made", Split(table)), tmp_path)
    page = check_self_contained(html)
    assert page.all("img") == []
    assert "Stands out in column" in page.text
    assert ("What the components are" in page.text) == (columns > 2)
    assert ("Data and generated examples" in page.text) == (columns == 2)
    k = examined.posterior.argmax(axis=1)[0]
    found = members.components(examined.posterior, examined.terms.elbo)
    offsets = members.component_means(members.standardised(table), found)
    chosen = table[examined.posterior.argmax(axis=1) == k]
    np.testing.assert_allclose(
        offsets[k], (chosen.mean(axis=0) - table.mean(axis=0)) / table.std(axis=0), atol=1e-5
    )


def test_one_component_and_a_collapse_are_told(digits, tmp_path):
    dataset = Dataset("made", Split(*(values[:50] for values in digits)))
    (tmp_path / "one").mkdir()
    page = check_self_contained(written(image_model(1), dataset, tmp_path / "one")[0])
    assert "1 of 1 component is in use." in page.text and "1 cluster of made" in page.text
    model = image_model(5)
    head = model.prior_head  # one component near all latents, the others far away
    head.assign_components(
        100.0 * np.arange(5)[:, None] * np.ones((5, 32)), np.zeros((5, 0, 32)), np.zeros((5, 32))
    )
    (tmp_path / "collapsed").mkdir()
    html, metrics, _ = written(model, dataset, tmp_path / "collapsed")
    page = check_self_contained(html)
    assert metrics["collapse"][0].startswith("One component takes nearly all")
    assert "Part of the model has collapsed. One component takes nearly all" in page.text
    assert "4 of 5 components take no example: 1, 2, 3, 4." in page.text


def test_what_is_no_run_is_named(tmp_path):
    process = run_python("-m", "train.report", f"--run={tmp_path}")
    assert process.returncode == 1
    assert process.stderr.strip().endswith(f"error: {tmp_path} is not a run: it has no run.flags.")


def test_members_are_ordered_by_certainty_and_then_by_likelihood():
    posterior = np.array([[0.9, 0.1], [1.0, 0.0], [1.0, 0.0], [0.2, 0.8], [0.6, 0.4]])
    elbo, labels = np.array([-1.0, -5.0, -2.0, -3.0, -9.0]), np.array([7, 7, 3, 3, 7])
    first, second = members.components(posterior, elbo, labels)
    assert first.members.tolist() == [2, 1, 0, 4] and second.members.tolist() == [3]
    assert first.contents == [(7, 3), (3, 1)] and first.certainty.tolist() == [1.0, 1.0, 0.9, 0.6]
    most, least = members.ends(first.members, 3)
    assert most.tolist() == [2, 1] and least.tolist() == [4, 0]
    assert [ends.tolist() for ends in members.ends(second.members, 3)] == [[3], []]
    assert members.least_likely(elbo, 2).tolist() == [4, 1]


def test_members_whose_posterior_is_one_are_ordered_by_what_is_left():
    log_posterior = np.array([[0.0, -200.0], [0.0, -300.0], [0.0, -250.0], [-1e-3, -6.9]])
    posterior, elbo = np.exp(log_posterior).astype("float32"), np.array([0.0, -1.0, -2.0, 9.0])
    assert posterior[:3, 0].tolist() == [1, 1, 1] and posterior[:3, 1].tolist() == [0, 0, 0]
    assert members.components(posterior, elbo, log_posterior=log_posterior)[0].members.tolist() == [1, 2, 0, 3]
    # Without the logarithm what has not been rounded to 0 still tells them apart.
    posterior = np.array([[1.0, 1e-30], [1.0, 1e-40], [1.0, 1e-35]], "float32")
    assert members.components(posterior, elbo[:3])[0].members.tolist() == [1, 2, 0]


def test_a_sheet_puts_images_in_rows():
    pixels = np.arange(3, dtype="uint8")[:, None, None] * np.ones((1, 2, 2), "uint8")
    expected = [[0, 0, 128, 1, 1], [0, 0, 128, 1, 1], [128] * 5, [2, 2, 128, 128, 128], [2, 2, 128, 128, 128]]
    assert sheet(pixels, 2, gap=1).tolist() == expected
    assert sheet(pixels[:2], 2, gap=0).tolist() == [[0, 0, 1, 1]] * 2


def test_pixels_keep_one_scale():
    real = np.array([-2.0, 0.0, 6.0]).reshape(3, 1, 1, 1)
    assert Pixels(real)(real)[:, 0, 0].tolist() == [0, 64, 255]
    unit = np.array([0.1, 0.5]).reshape(2, 1, 1, 1)
    assert Pixels(unit)(unit)[:, 0, 0].tolist() == [26, 128]
    assert Pixels(np.zeros((1, 2, 2, 3), "uint8"))(np.ones((1, 2, 2, 3))).tolist() == [[[[255] * 3] * 2] * 2]


def test_colours_differ_up_to_a_hundred_components():
    for count in (1, 6, 7, 30, 100):
        assert len(set(charts.component_colours(count))) == count


def test_a_plane_keeps_what_has_two_dimensions_already():
    rng = np.random.default_rng(0)
    means = np.concatenate([rng.normal(size=(40, 2)), np.full((40, 3), 0.5)], axis=1)
    np.testing.assert_array_equal(latent_map.plane(means), means[:, :2])
    assert latent_map.plane(means[:, :1]).shape == (40, 2)
    assert latent_map.plane(rng.normal(size=(40, 9))).shape == (40, 2)
    np.testing.assert_array_equal(latent_map.plane(np.zeros((1, 3))), np.zeros((1, 2)))


def test_findings_that_do_not_fit_are_named():
    rows = np.zeros((3, 2))
    with pytest.raises(InputError, match="one elbo an example: 3 examples. Received: 2"):
        Findings("r", rows, rows, rows, np.zeros(2), [], rows, rows, {}, rows, [], {}, {})


def test_examine_is_predict_embed_and_score_in_one(digits):
    model = image_model(4)
    images = digits[0][:70]
    found = model.examine(images, batch_size=32)
    np.testing.assert_allclose(found.posterior, model.predict(images, verbose=0), atol=1e-5)
    np.testing.assert_allclose(found.x, model.embed(images, batch_size=32).x, rtol=1e-5)
    np.testing.assert_allclose(found.w, model.embed(images, batch_size=32).w, rtol=1e-5)
    scores = model.score(images, batch_size=32)
    for name, values in found.terms._asdict().items():
        np.testing.assert_allclose(values, getattr(scores, name), rtol=1e-4, atol=1e-5, err_msg=name)
