"""Time and memory of a training step against K and against M, as a Markdown table.

    python benchmarks/scaling.py

Where time is linear, the last column is constant: what each further component or sample costs.
"""

import argparse
import sys
from pathlib import Path

from compare import measure

# Pairs of (K, M) by what grows.
CURVES = {
    "num_components": [(k, 1) for k in (10, 30, 100, 300, 1000)],
    "num_samples": [(10, m) for m in (1, 2, 5, 10, 20)],
}


def main():
    """Measures and prints."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--seconds", type=float, default=15)
    flags = flags.parse_args()
    print("| K | M | ms a step | MiB | ms for one more |\n| --- | --- | --- | --- | --- |")
    command = [sys.executable, Path(__file__).with_name("train_step.py")]
    for growing, settings in CURVES.items():
        size = time = None
        for components, samples in settings:
            result = measure(command, "train", 100, components, samples, flags.seconds)
            last, (size, time) = (size, time), (result[growing], result["ms_per_step"])
            more = f"{(time - last[1]) / (size - last[0]):.2f}" if last[0] else "-"
            print(f"| {components} | {samples} | {time:.0f} | {result['peak_rss_mib']} | {more} |", flush=True)


if __name__ == "__main__":
    main()
