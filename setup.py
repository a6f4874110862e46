"""Packaging of tf-gmvae."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="tf-gmvae",
    version=runpy.run_path(str(HERE / "tf_gmvae" / "version.py"))["__version__"],
    description="Unsupervised clustering with Gaussian mixture variational autoencoders (GMVAE), in Keras.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the tf-gmvae authors",
    license="Apache-2.0",
    packages=find_packages(include=["tf_gmvae*", "layers*", "train*"]),
    package_data={
        "tf_gmvae.report": ["page.html"],
        "tf_gmvae.explorer": ["page.html", "page.css", "*.js"],
        **{package: ["py.typed"] for package in ("tf_gmvae", "layers", "train")},
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "tensorflow>=2.20,<2.22",
        "keras>=3.12,<4",
        "tensorflow-serving-api>=2.20,<2.22",  # messages for the warm-up requests; 30 kB, nothing else behind it
        "tensorflow-probability[tf]>=0.25,<0.26",
        "tensorflow-datasets>=4.9.9,<5",
        "array_record>=0.5; sys_platform != 'win32'",
        "importlib_resources>=6",  # tensorflow-datasets imports it without asking for it
        "absl-py>=2.1",
        "numpy>=1.26.4",
        "scipy>=1.12",
        "scikit-learn>=1.6",
        "threadpoolctl>=3.1",
        "pillow>=10.3",
        "pyarrow>=17",
        "rich>=13",
        "tensorboard>=2.20",
        "umap-learn>=0.5.7",
        "numba>=0.60",
        "matplotlib>=3.8",
        "jinja2>=3.1",
    ],
    extras_require={
        "test": ["pytest>=8", "pytest-xdist>=3.8", "pandas>=2.2", "polars>=1", "setuptools>=77", "wheel>=0.42"],
        "beam": ["apache-beam>=2.77,<3"],
        "docs": ["sphinx>=8.1", "docutils>=0.21", "myst-nb>=1.3", "sphinx-book-theme>=1.1.4", "pandas>=2.2"],
        "browser": ["playwright>=1.50"],
        "lint": ["ruff==0.17.6", "mypy==2.4.1"],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in (10, 11, 12, 13)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
