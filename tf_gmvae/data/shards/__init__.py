"""Data larger than memory: a folder of ArrayRecord files, of which batches and samples are read, never all.

    manifest.py     shards.json: load_shards(folder) -> Dataset, has_shards(folder)
    split.py        ShardedSplit, what a Split is without being in memory
    batches.py      the examples of a batch by its number
    permutation.py  a shuffle of which any part can be computed without the rest

Each record is a `tf.train.Example` with the values of one example, `x` (raw bytes, little-endian, of the shape and
the dtype of the manifest), and where there are any, `label` (int64) and `id` (bytes). Records are not compressed.
`python -m train.shards` writes them, see `tf_gmvae.data.streams`.
"""
