"""Data of any size, read piece by piece and written as shards.

opening.py    open_source(name) -> Source, the one way in
source.py     Source and Piece; data in memory, .npy files that are left on the disk
parquet.py    Parquet files
records.py    TFRecord files
writing.py    write_shards(source, folder)
processes.py  processes side by side, which end with the one that started them
"""
