"""Data: sources to read, held in memory as NumPy arrays or on the disk as shards, and batches of them.

    load.py          load(name) -> Dataset, the one way in, and the list of names
    split.py         Split (examples and labels, checked) and Dataset (a train and maybe a test split)
    pipeline.py      to_batches(split, ...) -> tf.data.Dataset of float32 batches

One source a file:

    synthetic.py     five bent arcs in the plane
    digits.py        scikit-learn's 8 x 8 digits
    idx.py           MNIST and Fashion-MNIST, from their original IDX files
    svhn.py          SVHN, from its original .mat files
    tfds.py          anything in TensorFlow Datasets that has images and labels
    npz.py           your own arrays in a .npz or .npy file
    image_folder.py  your own pictures in a folder, found by image_tree.py; those of kinds that
                     are not read are told of (other_pictures.py)
    table.py         your own tables: CSV and TSV (delimited.py), Parquet
                     (parquet_files.py), Feather; of other packages (frames.py,
                     arrow_columns.py), described where a model is made (described.py);
                     their labels (classes.py)
    shards/          data larger than memory, read a batch at a time; streams/ writes them

    pictures.py      what is done to a picture: read, turned upright, resized
    reading.py       what the readers of files share: failures become one sentence

Example:
    >>> digits = tf_gmvae.data.load("digits")
    >>> digits.train.num_examples, digits.train.data_shape, digits.train.num_classes
    (1438, (8, 8, 1), 10)
"""

from tf_gmvae.data.load import load
from tf_gmvae.data.pipeline import to_batches
from tf_gmvae.data.split import Dataset, Split

__all__ = ["Dataset", "Split", "load", "to_batches"]
