"""How many clusters data have, by `num_components=auto`, for several seeds: `benchmarks/how_many.py digits`.

Nothing is trained. Labels are used for the last column alone.
"""

import argparse
import time

from tf_gmvae import data, evaluation
from tf_gmvae.clustering.recipe import likelihood_for, with_columns
from tf_gmvae.start import how_many


def main() -> None:
    """Asks, and prints a line a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="+", help="names or paths, as --dataset of train.main takes them")
    parser.add_argument("--data_dir", help="folder with the original files")
    parser.add_argument("--label_column", help="of tables: the column of known classes")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    for name in chosen.dataset:
        dataset = data.load(name, chosen.data_dir, label_column=chosen.label_column)
        if name != "synthetic":  # whose points are no table
            dataset = with_columns(dataset)
        likelihood = likelihood_for(dataset)
        for seed in range(chosen.seeds):
            began = time.perf_counter()
            found, start = how_many.ask(dataset.train, likelihood, seed, verbose=False)
            seconds = time.perf_counter() - began
            labels = dataset.train.take(start.indices).labels
            score = "" if labels is None else f"  ARI {evaluation.scores(start.labels, labels)['ari']:.3f}"
            print(
                f"{dataset.name}, seed {seed}: {found.sentence} By {found.by}. {seconds:.0f} s{score}", flush=True
            )


if __name__ == "__main__":
    main()
