"""The report of a run: what it shows, of which data, and that it needs nothing but itself."""

import base64
import io
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import run_warm
from PIL import Image
from support.pages import check_self_contained

import tf_gmvae
from tf_gmvae.data import Dataset, Split
from tf_gmvae.errors import InputError
from tf_gmvae.explorer.exploration import some
from tf_gmvae.figures.image_sheets import Pixels, sheet
from tf_gmvae.report import Findings, charts, members, pictures, render
from tf_gmvae.report.svg import FONT_SIZE, HALF, NARROW, WIDE
from tf_gmvae.start import latent_map
from train.run import groups, scoring
from train.run import pictures as run_pictures
from train.run.folder import RunFolder
from train.run.run import Run
from train.run.settings import Settings


def settings(**overrides):
    import absl.flags

    from train.run import settings as module

    values = absl.flags.FlagValues()
    module.define(values)
    values(["", "--dataset=made", "--data_dir=/secret/place", *(f"--{k}={v}" for k, v in overrides.items())])
    return Settings.from_flags(values).resolved("digits", "bernoulli", num_examples=1)


def written(model, dataset, tmp_path, **overrides):
    """The page and metrics of an untrained model's run."""
    folder = RunFolder(tmp_path / "a <run>")
    folder.path.mkdir()
    chosen = settings(num_components=model.num_components, **overrides)
    run = Run(folder, chosen, dataset, model)
    examination = scoring.examine(run)
    metrics = scoring.score(run, examination)
    tree = groups.tree_of(run)
    metrics["hierarchy"] = groups.scores(tree, examination.posterior, run.scored.labels, None)
    run_pictures.write(run, examination, metrics, tree)
    return folder.report.read_text(encoding="utf-8"), metrics, examination


def image_model(num_components, data_shape=(8, 8, 1)):
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=num_components, data_shape=data_shape, seed=0)
    model.compile()
    return model


def test_a_page_of_images_shows_every_component_and_its_own_members(digits, tmp_path):
    images, labels = digits[0][:55], digits[1][:55]
    ids = np.array([f"{number:03}.png" for number in range(100, 155)])
    dataset = Dataset("made", Split(images, labels, ids=ids))
    html, metrics, examined = written(image_model(4), dataset, tmp_path)
    page = check_self_contained(html)
    clusters = examined.posterior.argmax(axis=1)
    shown = {alt: np.asarray(image)[::7, ::7] for alt, image in page.images().items()}  # 8 pixels shown as 56
    for k in range(4):
        members_of = np.flatnonzero(clusters == k)
        if not len(members_of):
            assert f"Mean image of component {k}" not in shown
            continue
        assert f"Component {k} {len(members_of)} examples" in page.text
        mean = shown[f"Mean image of component {k}"]
        np.testing.assert_allclose(mean, 255 * images[members_of, :, :, 0].mean(axis=0), atol=0.51)
        assert page.images()[f"8 samples of component {k} at w = 0"].size == (8 * 60 - 4, 56)
        most = shown[f"{min(8, (len(members_of) + 1) // 2)} most certain members of component {k}"]
        best = members_of[examined.posterior[members_of, k] == examined.posterior[members_of, k].max()]
        first = most[:, :8]
        assert any(np.array_equal(first, np.round(255 * images[i, :, :, 0])) for i in best)
    least, *others = np.argsort(examined.terms.elbo, kind="stable")[:24]
    assert f"Row 1: {ids[least]} , {ids[others[0]]} ," in page.text and f", {ids[others[-1]]}" in page.text
    anomalies = shown["The 24 least likely images"]
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


@pytest.mark.slow
def test_colours_are_shown_in_colour_and_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (50, 16, 16, 3)).astype("uint8")
    html, _, _ = written(image_model(100, (16, 16, 3)), Dataset("made", Split(images)), tmp_path)
    page = check_self_contained(html)
    assert {image.mode for image in page.images().values()} == {"RGB"}
    assert "components take no example" in page.text
    assert "accuracy" not in page.text and "Components and labels" not in page.text
    assert len(html) < 5e6


@pytest.mark.parametrize("columns", [6, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 200))])
def test_tables_are_shown_as_profiles(columns, tmp_path):
    rng = np.random.default_rng(0)
    table = rng.normal(0, 3, (80, columns)).astype("float32")
    model = tf_gmvae.GMVAE.from_preset("synthetic", num_components=3, data_shape=(columns,), seed=0)
    model.compile()
    ids = np.array([f"c{number}" for number in range(100, 180)])
    html, _, examined = written(model, Dataset("made", Split(table, ids=ids)), tmp_path)
    page = check_self_contained(html)
    assert page.all("img") == []
    assert "Stands out in column" in page.text
    assert ("What the components are" in page.text) == (columns > 2)
    assert ("Data and generated examples" in page.text) == (columns == 2)
    if columns > 2:
        odd = ids[members.least_likely(examined.terms.elbo, 24)]
        charted = [svg for svg in page.svgs if svg.get("aria-label") == "The least likely examples"]
        assert [[text for text in svg.itertext() if text in ids] for svg in charted] == [list(odd)] * 2
    k = examined.posterior.argmax(axis=1)[0]
    found = members.components(examined.posterior, examined.terms.elbo)
    offsets = members.component_means(members.standardised(table), found)
    chosen = table[examined.posterior.argmax(axis=1) == k]
    np.testing.assert_allclose(
        offsets[k], (chosen.mean(axis=0) - table.mean(axis=0)) / table.std(axis=0), atol=1e-5
    )


@pytest.mark.parametrize("shape", [(8, 8, 1), (6,), (2,)])
def test_a_method_that_generates_nothing_has_a_page_of_its_clusters(shape):
    examples = np.random.default_rng(0).random((30, *shape), "float32")
    nothing = dict.fromkeys(("elbo", "reconstructed", "reconstructions", "samples", "walks", "drawn"))
    of_gmvae = {"elbo", "reconstruction", "conditional_prior", "w_prior", "z_prior", "style_information"}
    scores = {name: value for name, value in metrics(3, 30).items() if name not in of_gmvae}
    page = check_self_contained(
        render(findings(examples, **nothing, metrics=scores, history=[{"loss": 1.0}], method="some method"))
    )
    assert "3 clusters of made, found without labels by some method." in page.text
    assert "Codes of the encoder" in page.text
    assert ("most certain" in page.text) == (len(shape) == 3)
    assert ("Stands out in column" in page.text) == (len(shape) == 1)
    for absent in ("ELBO", "at w = 0", "Reconstructions", "least likely", "Walks", "generated examples"):
        assert absent not in page.text


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
    assert "Signs of collapse: look twice. One component takes nearly all" in page.text
    assert "4 of 5 components take no example: 1, 2, 3, 4." in page.text


@pytest.mark.slow
def test_levels_and_learned_weights_are_told(digits, tmp_path):
    from tf_gmvae.priors import MixturePrior
    from train.run import score_table

    model = tf_gmvae.GMVAE.from_preset(
        "digits", num_components=4, component_prior="learned", style_prior=MixturePrior(3), seed=0
    )
    model.component_prior.start_from(np.array([0.4, 0.3, 0.2, 0.1]))
    chosen = {"component_prior": "learned", "style_components": 3}
    html, metrics, examined = written(
        model, Dataset("made", Split(*(part[:55] for part in digits))), tmp_path, **chosen
    )
    page, (level,) = check_self_contained(html), metrics["levels"]
    np.testing.assert_allclose(metrics["component_weights"], [0.4, 0.3, 0.2, 0.1], rtol=1e-5)
    assert "p(z): 0: 40.0 %, 1: 30.0 %, 2: 20.0 %, 3: 10.0 %." in page.text.replace("\u00a0", " ")
    counts = np.bincount(examined.levels[0].argmax(axis=1), minlength=3)
    np.testing.assert_allclose(level["shares"], counts / 55)
    assert metrics["w_prior"] == pytest.approx(
        level["conditional_prior"] + level["z_prior"] + level["w_prior"], rel=1e-4
    )
    assert f"Level 2: {level['components_in_use']:.0f} of 3 components in use" in page.text
    sheets = [alt for alt in page.images() if "of level 2" in alt]
    assert sheets == [f"Mean of every component at component {c} of level 2" for c in range(3)]
    assert any(sentence.startswith("On level 2, all components overlap") for sentence in metrics["collapse"])
    told = score_table.table(metrics)
    assert f"level 2               {level['components_in_use']:.0f} of 3 components in use" in told
    assert "(from learned weights of 0.1 to 0.4)" in told


def findings(examples, num_components=3, **overrides):
    """Of a run that never was."""
    rng = np.random.default_rng(0)
    clusters = np.arange(len(examples)) % num_components
    clusters[: len(examples) // 2] = 0
    floats = examples.astype("float32")
    values = {
        "name": "made",
        "examples": examples,
        "posterior": np.eye(num_components)[clusters],
        "x": rng.normal(size=(len(examples), 2)),
        "elbo": rng.normal(size=len(examples)),
        "reconstructed": np.arange(2),
        "reconstructions": floats[:2],
        "samples": floats[:num_components, None],
        "walks": {},
        "drawn": floats[:1],
        "history": [{name: -float(epoch) for name in charts.TERMS} for epoch in range(3)],
        "metrics": metrics(num_components, len(examples)),
        "settings": {},
        **overrides,
    }
    return Findings(**values)


def metrics(num_components, num_examples, collapse=()):
    numbers = ["elbo", "reconstruction", "conditional_prior", "w_prior", "z_prior", "style_information"]
    numbers += ["active_x", "active_w", "start_seconds", "train_seconds"]
    scores = ["accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari"]
    return {
        **dict.fromkeys(numbers, 1.0),
        **dict.fromkeys(scores),
        "num_components": num_components,
        "components_in_use": num_components,
        "num_examples": num_examples,
        "dataset": "made",
        "scored_on": "test",
        "collapse": list(collapse),
        "start": None,
        "versions": {},
    }


@pytest.mark.parametrize("shape", [(6,), pytest.param((4, 4, 1), marks=pytest.mark.slow)])
def test_names_stand_as_they_were_written(shape):
    """Dollars, which Matplotlib takes for mathematics, angle brackets, and more than one line has room for."""
    names = ["$5-$10", r"a $\foo$ b", "<b>long \u5317\u4eac</b> " + 30 * "x"]
    values = np.random.default_rng(0).random((60, *shape))
    linkage = np.array([[0, 1, 1.0, 40], [2, 3, 2.0, 60]])
    given = findings(
        values, labels=np.arange(60) % 3, class_names=tuple(names), component_names=names, linkage=linkage,
        metrics={**metrics(3, 60), "hierarchy": {"dendrogram_purity": None}},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = check_self_contained(render(given))
    for number, name in enumerate(names):
        assert f"Component {number}, {' '.join(name.split())}" in page.text
    short = ["$5-$10", r"a $\foo$ b", names[2][:23] + "\u2026"]
    by_component, by_label = (" ".join(svg.itertext()) for svg in page.svgs[-2:])
    assert any(name in by_component for name in short) and any(name in by_label for name in short)
    for name in (f"0, {names[0]}", f"1, {names[1]}"):
        # In the tree, and of tables in both forms of their profiles.
        assert page.svg_text().count(name) == (3 if shape == (6,) else 1)
    unnamed = check_self_contained(render(findings(values, component_names=["0", "sole", "2"])))
    assert "Component 1, sole" in unnamed.text and "Component 2 1" in unnamed.text


def test_the_verdict_names_the_largest_and_the_smallest_component():
    told = "Component 3 takes 2 of 60 examples."
    table = np.random.default_rng(0).normal(size=(60, 4))
    html = render(findings(table, metrics=metrics(3, 60, [told])))
    page = check_self_contained(html)
    shares = "component 0, takes 66.7 % of the examples; the smallest, component 1, 10 (16.7 %)."
    assert (
        f"Signs of collapse: look twice. {told} 3 of 3 components are in use. The largest, {shares}" in page.text
    )
    # Every chart across the page has a form for phones, whose 390 pixels leave 243 points beside the margins.
    assert html.count('<div class="plot wide">') == html.count('<div class="plot narrow">') == 4
    widths = [float(svg.get("viewBox").split()[2]) / 72 for svg in page.svgs]
    assert np.allclose(widths, 4 * [WIDE, NARROW] + [HALF])


def test_a_table_of_many_columns_names_all_that_it_shows():
    names = tuple(f"the share of column {number}" for number in range(100, 145))
    given = np.random.default_rng(0).normal(size=(30, 45))
    ids = np.array([f"https://example.com/{number}" for number in range(1000, 1030)])
    made = findings(given, features=given, feature_names=names, ids=ids)
    assert some(made, np.array([3, 29])).example_names(np.array([1])) == ["https://example.com/1029"]
    page = check_self_contained(render(made))
    (by_component, odd), (_, odd_narrow) = page.svgs[4:8:2], page.svgs[5:9:2]
    shown = [text for text in by_component.itertext() if text in names]
    assert len(shown) == 40 and shown == [text for text in odd.itertext() if text in names]
    shortened = {"\u2026" + text[-9:] for text in ids}
    for svg in (odd, odd_narrow):
        assert len([text for text in svg.itertext() if text in shortened]) == 24


@pytest.mark.parametrize("shape", [(6, 2), pytest.param((2, 3, 3, 2), marks=pytest.mark.slow)])
def test_series_and_volumes_are_shown_as_rows_of_their_values(shape):
    examples = np.random.default_rng(0).normal(size=(40, *shape))
    page = check_self_contained(render(findings(examples)))
    assert "Stands out in column" in page.text and "What the components are" in page.text
    assert "No sign of collapse. 3 of 3 components are in use. The largest, component 0" in page.text


def test_images_of_counts_are_shown_on_the_scale_of_the_model():
    counts = np.full((8, 4, 4, 1), 204, "uint8")
    shown = check_self_contained(render(findings(counts, uint8_scale=1.0))).images()
    for alt in (
        "Mean image of component 0",
        "Images",
        "Their reconstructions",
        "1 samples of component 1 at w = 0",
    ):
        assert np.asarray(shown[alt])[0, 0] == 204, alt


def labels_of(svg):
    """Texts of a chart that lie or stand below it, by their height: lists of their left and right ends."""
    rows = {}
    for text in svg.iter("{http://www.w3.org/2000/svg}text"):
        where, width = float(text.get("x")), 0.6 * FONT_SIZE * len("".join(text.itertext()))
        if "rotate(-90" in text.get("transform", ""):
            left, width = where - FONT_SIZE, FONT_SIZE
        else:
            left = where - {"middle": width / 2, "end": width}.get(
                re.search(r"text-anchor: (\w+)", text.get("style"))[1], 0
            )
        rows.setdefault(round(float(text.get("y"))), []).append((left, left + width))
    return rows.values()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("rows", "columns"), [(3, range(5)), (24, range(30)), (100, range(10000, 10060))])
def test_labels_of_a_heat_map_do_not_overlap(rows, columns, width):
    values = np.random.default_rng(0).normal(size=(rows, len(columns)))
    svg = charts.heat_map(values, list(range(rows)), list(columns), "component", "column", "Profiles", width)
    labels = labels_of(ElementTree.fromstring(svg))
    assert max(map(len, labels)) >= 3
    for row in labels:
        ends = np.sort(row, axis=0)
        assert np.all(ends[1:, 0] > ends[:-1, 1]), ends


@pytest.mark.parametrize(
    ("count", "width", "step"), [(7, WIDE, 1), (7, NARROW, 1), (14, NARROW, 1), (40, WIDE, 1), (40, NARROW, 3)]
)
def test_columns_of_a_heat_map_have_their_names(count, width, step):
    names = [f"the share of column {number}" for number in range(count)]
    svg = charts.heat_map(np.eye(count)[:3], [0, 1, "12"], names, "component", "column", "Profiles", width)
    told = [text for text in ElementTree.fromstring(svg).itertext() if text in names]
    assert told == names[::step]


def test_names_on_a_map_do_not_overlap():
    points = np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 0.0], [5.0, 0.0], [0.0, 5.0]])
    names = ["Sandal", "Sneaker", "Bag", "Ankle boot"]
    svg = charts.latent_map(points, np.array([0, 1, 1, 2, 3]), names, charts.PALETTE, "label")
    texts = "".join(ElementTree.fromstring(svg).itertext())
    assert [name in texts for name in names] == [False, True, True, True]


@pytest.mark.parametrize("side", [5, 8, 28, 32, 90, 120])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_gaps_between_images_are_alike(side, channels):
    shown = pictures.strip(np.full((16, side, side + 3, *channels), 250, "uint8"), 8)
    picture = Image.open(io.BytesIO(base64.b64decode(shown["src"].split(",")[1])))
    assert picture.size == (shown["width"], shown["height"])
    dark = np.asarray(picture.convert("L")) < 190
    for line in (dark.all(axis=0), dark.all(axis=1)):
        edges = np.flatnonzero(np.diff(line.astype(int)))
        assert set(np.diff(edges)[::2]) == {pictures.GAP}
    assert 40 <= max(shown["height"] // 2, shown["width"] // 8) <= 104


def test_what_is_no_run_is_named(tmp_path):
    process = run_warm("-m", "train.report", f"--run={tmp_path}")
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
    with pytest.raises(InputError, match="a name for each of 2 components. Received: 1"):
        findings(np.zeros((4, 6)), num_components=2, component_names=["a"])


@pytest.mark.parametrize("largest", [1e18, -1e30, np.nan])
def test_a_plane_has_room_for_the_farthest_value(largest):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 2)).astype("float32")
    plain = charts.plane(points, np.arange(50) % 2, ["#ff0000", "#0000ff"], points[:2], points[:9], WIDE)
    points[7, 1] = largest
    odd = charts.plane(points, np.arange(50) % 2, ["#ff0000", "#0000ff"], points[7:8], points[:9], NARROW)
    assert plain.startswith("<svg") and odd.startswith("<svg") and "data by component" in odd
    zeros = np.zeros((5, 2), "float32")
    assert charts.plane(zeros, np.zeros(5, int), ["#ff0000"], zeros[:1], zeros, WIDE).startswith("<svg")
