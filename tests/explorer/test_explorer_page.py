"""The page to explore: what it knows, and that no text of the data can become code."""

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tf_gmvae.explorer
from tf_gmvae.errors import InputError
from tf_gmvae.explorer import Exploration, contents, page, render, sheets
from tf_gmvae.report import Findings
from train.run import answers
from train.run import explorer as run_explorer

HOSTILE = (
    "</script><script>window.harmed=1</script>",
    "\"'><img src=x onerror=window.harmed=1>",
    "<!--<script>",
    "a\u2028&b",
)


def exploration(examples, num_components=3, **overrides):
    """Of a run that never was."""
    rng, count = np.random.default_rng(0), len(examples)
    nothing = dict.fromkeys(("reconstructed", "reconstructions", "walks", "drawn"))
    findings = Findings(
        name="made", examples=examples, posterior=rng.dirichlet(np.full(num_components, 0.3), count),
        x=rng.normal(size=(count, 4)), elbo=rng.normal(size=count), samples=None, history=[],
        metrics={"dataset": "made"}, settings={}, labels=rng.integers(0, 2, count), **nothing,
    )  # fmt: skip
    values = {
        "findings": findings, "points": rng.normal(size=(count, 2)), "ids": np.arange(count).astype(str),
        "parts": np.full(count, "test"), "total": count, "reconstructions": examples, "planes": {},
        "places": run_explorer.PLACES, **overrides,
    }  # fmt: skip
    return Exploration(**values)


def images(count, side=6, channels=1):
    return np.random.default_rng(1).integers(0, 256, (count, side, side, channels)).astype("uint8")


class Read(HTMLParser):
    """Scripts and styles of a page by their attributes, and all other tags."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = (tag, *dict(attrs).values()) if tag in ("script", "style", "h1", "title") else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data

    @property
    def known(self):
        return json.loads(self.texts["script", "application/json", "known"])


def numbers(text, dtype):
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder("<"))


def shown(packed):
    """The images in sheets, one after the other."""
    found = []
    for source in packed["sheets"]:
        assert source.startswith("data:image/webp;base64,")
        sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))
        for top in range(0, sheet.shape[0], packed["height"]):
            for left in range(0, sheet.shape[1], packed["width"]):
                found.append(sheet[top : top + packed["height"], left : left + packed["width"]])
    return found


def test_the_page_knows_what_the_model_said():
    made = exploration(images(40), planes={2: np.zeros((7, 7, 6, 6, 1)), 0: np.ones((7, 7, 6, 6, 1))})
    known, findings = Read(render(made).html).known, made.findings
    posterior, clusters = findings.posterior, findings.posterior.argmax(axis=1)
    assert known["ids"] == [str(i) for i in range(40)] and known["total"] == known["count"] == 40
    np.testing.assert_array_equal(numbers(known["cluster"], "uint16"), clusters)
    np.testing.assert_allclose(numbers(known["certainty"], "float32"), posterior.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(numbers(known["elbo"], "float32"), findings.elbo, rtol=1e-6)
    np.testing.assert_array_equal(numbers(known["label"], "uint16"), findings.labels)
    likeliest = numbers(known["likeliest"], "uint16").reshape(40, 3)
    probability = numbers(known["probability"], "uint16").reshape(40, 3) / 65535
    for i in range(40):
        assert sorted(likeliest[i]) == [0, 1, 2]
        np.testing.assert_allclose(probability[i], posterior[i, likeliest[i]], atol=1e-5)
        assert list(probability[i]) == sorted(probability[i], reverse=True)
    near = numbers(known["near"], "uint32").reshape(40, contents.NEAREST)
    for i in range(40):
        others = [j for j in range(40) if j != i]
        distance = {j: sum((findings.x[i] - findings.x[j]) ** 2) for j in others}
        assert list(near[i]) == sorted(others, key=distance.get)[: contents.NEAREST]
    # One scale for both axes.
    place = np.stack([numbers(known[axis], "uint16") for axis in "xy"], axis=1) / 65535
    span = np.ptp(made.points, axis=0).max()
    np.testing.assert_allclose(place, (made.points - made.points.min(axis=0)) / span, atol=1e-5)
    pictures = shown(known["pictures"])
    for i in range(40):
        np.testing.assert_array_equal(pictures[i][..., 0], findings.examples[i, ..., 0])
    assert known["planes"]["components"] == [2, 0] and len(known["planes"]["places"]) == 7
    styles = shown(known["planes"]["pictures"])
    assert {int(styles[i].max()) for i in range(49)} == {0} and {int(styles[i].min()) for i in range(49, 98)} == {
        255
    }
    for k, card in enumerate(known["cards"]):
        members = clusters == k
        assert card["count"] == members.sum()
        assert card["certainty"] == pytest.approx(posterior[members, k].mean())
        assert sum(share for _, share in card["contents"]) == pytest.approx(1)


def test_clusters_of_one_name_are_one_as_in_the_files():
    made = exploration(images(40))
    chosen = answers.choices(np.log(made.findings.posterior), ["a", "b", "a"])
    assert (chosen["cluster"] != made.findings.posterior.argmax(axis=1)).any()
    made = replace(made, clusters=chosen["cluster"], certainty=chosen["probability"])
    known = contents.contents(made)
    np.testing.assert_array_equal(numbers(known["cluster"], "uint16"), chosen["cluster"])
    np.testing.assert_array_equal(numbers(known["certainty"], "float32"), chosen["probability"])
    means = shown(known["means"])
    for k, card in enumerate(known["cards"]):
        members = chosen["cluster"] == k
        assert card["count"] == members.sum()
        assert card["certainty"] == pytest.approx(chosen["probability"][members].mean())
        np.testing.assert_allclose(means[k][..., 0], made.findings.examples[members].mean(axis=0)[..., 0], atol=1)


def test_rows_keep_their_values_and_their_columns():
    table = np.random.default_rng(2).normal(size=(30, 4)).astype("float32")
    made = exploration(table, columns=[("size", ()), ("kind", ("a", "b")), ("x", ()), ("y", ())])
    missing = table.copy()
    missing[3, 1] = np.nan
    made = replace(made, findings=replace(made.findings, examples=missing, features=np.nan_to_num(missing)))
    known = Read(render(made).html).known
    assert known["columns"] == [["size", []], ["kind", ["a", "b"]], ["x", []], ["y", []]]
    np.testing.assert_array_equal(numbers(known["values"], "float32").reshape(30, 4), missing)
    assert len(known["cards"][0]["marks"]) == 4 and "pictures" not in known


def test_of_many_rows_the_first_columns_are_shown(monkeypatch):
    monkeypatch.setattr(contents, "VALUES", 90)
    known = Read(render(exploration(np.zeros((30, 5), "float32"))).html).known
    assert len(known["columns"]) == 3 and known["columnsInAll"] == 5
    assert numbers(known["values"], "float32").size == 90


def test_the_same_is_drawn_the_same():
    assert render(exploration(images(20))).html == render(exploration(images(20))).html


def test_a_method_that_generates_nothing_has_a_page():
    made = exploration(images(20), reconstructions=None)
    known = Read(render(replace(made, findings=replace(made.findings, elbo=None, labels=None))).html).known
    assert known["elbo"] is None and known["label"] is None
    assert not {"planes", "samples", "reconstructions"} & known.keys()


def test_texts_of_the_data_stay_texts():
    made = exploration(
        images(20), num_components=4, names=HOSTILE,
        ids=np.array([f"{text} {i}" for i in range(5) for text in HOSTILE]),
        kept={"names": [{"cluster": 0, "name": HOSTILE[0]}], "marked": []},
    )  # fmt: skip
    named = replace(made.findings, name=HOSTILE[0], class_names=HOSTILE[:2], metrics={"dataset": HOSTILE[1]})
    html, policy = render(replace(made, findings=named))
    read, harmless = Read(html), Read(render(exploration(images(20), num_components=4)).html)
    assert read.tags == harmless.tags  # not one tag or attribute more
    assert read.known["ids"][0] == f"{HOSTILE[0]} 0" and read.known["names"] == list(HOSTILE)
    assert read.known["classes"] == list(HOSTILE[:2]) and read.texts["h1",] == HOSTILE[0]
    assert not re.search(r"[<>&]", read.texts["script", "application/json", "known"])
    assert harmless.texts["script",] == read.texts["script",]
    assert policy == render(made).policy


def test_nothing_but_its_own_script_and_style_may_run():
    html, policy = render(exploration(images(10)))
    read = Read(html)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(read.texts[kind,].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:" and "connect-src" not in rules
    assert {"http-equiv": "Content-Security-Policy", "content": policy} in [attrs for _, attrs in read.tags]
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert all(attributes.get(name, "data:").startswith("data:") for name in ("src", "href"))
    assert [tag for tag, _ in read.tags].count("script") == 2
    assert re.findall(r"https?://", html) == []


def test_scripts_write_no_html_and_make_no_code():
    sources = sorted(Path(tf_gmvae.explorer.__file__).parent.glob("*.js"))
    assert {path.name for path in sources} == set(page.SCRIPTS)
    for path in sources:
        text = path.read_text()
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|import\(", text
        )
        assert found == [], path
        assert len(text.splitlines()) <= 300 and "</script" not in text, path


def test_large_and_many_images_become_smaller(monkeypatch):
    assert sheets.smaller(images(2, 200, 3), 96).shape == (2, 96, 96, 3)
    wide = np.zeros((2, 40, 80), "uint8")
    assert sheets.smaller(wide, 20).shape == (2, 10, 20) and sheets.smaller(wide, 80) is wide
    monkeypatch.setattr(sheets, "ALL", 1000)
    assert sheets.sheets(images(10, 30)[..., 0])["width"] == 10


def test_arrays_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="A page needs one of ids an example: 20. Received: 3."):
        exploration(images(20), ids=np.array(["a", "b", "c"]))


@pytest.mark.slow
def test_the_most_points_and_the_noisiest_images_stay_small():
    noise = np.random.default_rng(0).integers(0, 256, (20_000, 32, 32, 3)).astype("uint8")
    assert len(render(exploration(noise, reconstructions=None)).html) < 15e6
