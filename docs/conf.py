"""The documentation site, which `make docs` builds into build/site; Sphinx reads this file."""

import os
import re
import runpy
import shutil
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.util import inspect

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

# Notebooks, and the commands in them, run this checkout by this Python, without a network and without TensorFlow's
# notes. Each has one thread, so that a page says the same wherever it is built on the same kind of processor.
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONWARNINGS": "ignore"}
os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")

# IPython writes into the folder of its settings.
os.environ["IPYTHONDIR"] = str(ROOT / "build" / "ipython")
shutil.copytree(DOCS / "_ipython", os.environ["IPYTHONDIR"], dirs_exist_ok=True)

project = "tf-gmvae"
copyright = author = "the tf-gmvae authors"
version = release = runpy.run_path(str(ROOT / "tf_gmvae" / "version.py"))["__version__"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_*"]

# The pages are plain Markdown, as GitHub shows them.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600  # seconds a cell, on a busy machine
nb_merge_streams = True
nb_output_stderr = "remove-warn"  # nothing a reader is told comes from there

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what is taken, with shapes
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Call arguments", "params_style")]
default_role = "code"

html_theme = "sphinx_book_theme"
html_title = f"tf-gmvae {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_domain_indices = False
html_context = {"default_mode": "auto"}  # dark or light as the reader's screen
html_theme_options = {
    "use_download_button": False,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the sidebar has a search
}
html_math_renderer = "mathml"

# Files outside docs/ that have a page here: on GitHub that page is a link to them, on the site it has their text.
OF_THE_ROOT = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}


def with_files_of_the_root(app, docname, source):
    """Puts in the text of a file of the root, and turns links out of docs/ into links to what the site has."""
    text = source[0]
    if docname in OF_THE_ROOT:
        text = (ROOT / OF_THE_ROOT[docname]).read_text(encoding="utf-8").replace("](docs/", "](")
    for page, file in {**OF_THE_ROOT, "index": "README.md"}.items():
        text = re.sub(rf"\]\((?:\.\./)+{file}", f"]({os.path.relpath(page, Path(docname).parent)}.md", text)
        text = text.replace(f"]({file}", f"]({page}.md") if docname in OF_THE_ROOT else text
    source[0] = text


def from_plain_text(app, what, name, obj, options, lines):
    """Makes a docstring reStructuredText: its tables, its formulas, and the |, * and _ that are no markup."""
    found, last, at_margin, is_formula = [], "", False, False
    for line in lines:
        if line.startswith("| ") and line.endswith(" |"):
            if not last.endswith(" |"):
                found += [".. list-table::", "   :header-rows: 1", ""]
            if "---" not in line:
                first, *others = line.strip("| ").split(" | ")
                found += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
        else:
            if line.startswith("    ") and not last and at_margin:
                is_formula = True
                found += ["::", ""]
            is_formula = is_formula and not line[:1].strip()
            is_code = is_formula or line.lstrip().startswith((">>>", "*"))
            found.append(line if is_code else without_markup(line))
        last = line
        at_margin = bool(line[:1].strip()) if line else at_margin
    lines[:] = found


def without_markup(line):
    """A line whose |, *, and _ at the end of a word mean themselves, but for what stands in backticks."""
    parts = line.split("`")
    parts[::2] = [re.sub(r"([|*]|(?<=\w)_(?=[^\w:]|$))", r"\\\1", part) for part in parts[::2]]
    return re.sub(r": ([A-Z])\.$", r": \1\\.", "`".join(parts))  # "K." would be the first of a list


def with_own_arguments(app, what, name, obj, options, signature, returns):
    """Names the arguments of a class of Keras, which autodoc takes for `*args, **kwargs`."""
    if what == "class" and signature == "(*args, **kwargs)":
        own = inspect.signature(obj.__init__, bound_method=True)
        signature = inspect.stringify_signature(own, show_annotation=False)
    return signature, returns


def write_math(translator, node):
    """A formula as MathML, which browsers draw themselves: no script, and none from elsewhere."""
    block = isinstance(node, nodes.math_block)
    inner = latex2mathml.tex2mathml(node.astext(), as_block=block)
    translator.body.append(f'<div class="formula">{inner}</div>' if block else inner)
    raise nodes.SkipNode


def setup(app):
    """Registers them with Sphinx."""
    app.connect("source-read", with_files_of_the_root)
    app.connect("autodoc-process-docstring", from_plain_text, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", with_own_arguments)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
