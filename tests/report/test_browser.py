"""Reports in a real browser; `make test-browser` runs these, with Chromium on the machine."""

import numpy as np
import pytest
from conftest import run_warm
from support.chromium import CONTRAST, OVERFLOW
from test_report import image_model, written

from tf_gmvae.data import Dataset, Split

pytestmark = pytest.mark.browser

LOADED = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
# What is drawn ends within the card that it is in; a table may scroll.
CUT_OFF = """[...document.querySelectorAll('.plot svg, figure img, .card p, .figures dd, h1')].filter(each =>
  each.getBoundingClientRect().width > 0 && (each.scrollWidth > each.clientWidth + 1 && each.tagName != 'svg'
    || each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right + 1))
  .map(each => each.outerHTML.slice(0, 80))"""
# Pixels of a letter in the charts.
SMALLEST = """[...document.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0).map(svg =>
  9 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width).reduce((a, b) => Math.min(a, b))"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory, digits):
    """Reports by kind: of a real run, of colours and a hundred components, of a plane, of a wide table."""
    runs = tmp_path_factory.mktemp("runs")
    process = run_warm(
        "-m",
        "train.main",
        "--flagfile=digits.flags",
        "--epochs=2",
        f"--runs_dir={runs}",
        "--name=digits",
        "--noexport",
    )
    assert process.returncode == 0, process.stderr
    rng = np.random.default_rng(0)
    made = {
        "colours": (image_model(100, (16, 16, 3)), rng.integers(0, 255, (300, 16, 16, 3)).astype("uint8")),
        "table": (table_model(2), rng.normal(size=(300, 2)).astype("float32")),
        "wide": (table_model(765), rng.normal(size=(300, 765)).astype("float32")),
    }
    found = {"digits": runs / "digits" / "report.html"}
    for kind, (model, examples) in made.items():
        (runs / kind).mkdir()
        written(model, Dataset("made", Split(examples)), runs / kind)
        (found[kind],) = (runs / kind).rglob("report.html")
    return found


def table_model(columns):
    import tf_gmvae

    model = tf_gmvae.GMVAE.from_preset("synthetic", num_components=5, data_shape=(columns,), seed=0)
    model.compile()
    return model


@pytest.mark.parametrize("kind", ["digits", "colours", "table", "wide"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 500, 730, 1280])
def test_a_report_opens_cleanly(browser, reports, kind, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests, said = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    address = reports[kind].as_uri()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert said == []
    assert page.evaluate("document.images.length") > 10 or kind in ("table", "wide")
    assert page.evaluate("document.querySelectorAll('svg').length") >= 2
    assert page.evaluate(LOADED)
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(SMALLEST) >= 10
    dark = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"))) < 200
    assert dark == (scheme == "dark")
    page.close()
