"""Ours and the PyTorch yardstick in turn, in one sitting, as a Markdown table with ratios.

    python benchmarks/compare.py --torch_python path/to/python --yardstick path/to/torch_gmvae.py

Nothing else should be running. Each setting is measured `--rounds` times in turn; the figures are medians, of
memory the largest. `ratio` is ours over the yardstick's; `floor` is the part of our step that its matrix products
and direct convolutions would take at the machine's matrix-product rate.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

TRAIN = [("train", 100, k, m) for k, m in ((10, 1), (10, 10), (30, 1), (30, 10))]
PREDICT = [("predict", 256, 10, 1)]


def measure(command, mode, batch_size, num_components, num_samples, seconds):
    """One measurement in a process of its own.

    Args:
        command: list of Python, script and flags of that script's own.
        mode: "train" or "predict".
        batch_size: images a batch.
        num_components: K.
        num_samples: M.
        seconds: to measure for.

    Returns:
        Dict of the JSON line that the script printed.
    """
    settings = {
        "mode": mode, "batch_size": batch_size, "num_components": num_components, "num_samples": num_samples,
        "seconds": seconds,
    }  # fmt: skip
    arguments = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    printed = subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def import_mib():
    """Resident MiB of a process that has imported TensorFlow and done nothing."""
    program = "import resource, tensorflow; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def main():
    """Measures all settings and prints the table."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--torch_python", help="a Python that has torch; without it, ours alone is measured")
    flags.add_argument("--yardstick", help="the script it runs, of the flags and keys of train_step.py")
    flags.add_argument("--mnist", help="folder of MNIST's files, for ours; the yardstick's images are random")
    flags.add_argument("--seconds", type=float, default=20)
    flags.add_argument("--rounds", type=int, default=3)
    flags = flags.parse_args()
    if bool(flags.torch_python) != bool(flags.yardstick):
        sys.exit("error: --torch_python and --yardstick go together: give both, or neither.")
    peers = {"ours": [sys.executable, Path(__file__).with_name("train_step.py")]}
    if flags.mnist:
        peers["ours"] += ["--mnist", flags.mnist]
    if flags.torch_python:
        peers["torch"] = [flags.torch_python, flags.yardstick]
    print("| mode | batch | K | M |", *(f"{name}, images/s | MiB |" for name in peers), "ratio | floor |")
    print("| --- " * (6 + 2 * len(peers)) + "|")
    for setting in TRAIN + PREDICT:
        results = {name: [] for name in peers}
        for _ in range(flags.rounds):
            for name, command in peers.items():
                results[name].append(measure(command, *setting, flags.seconds))
        rates = {name: statistics.median(r["images_per_s"] for r in found) for name, found in results.items()}
        memory = {name: max(r["peak_rss_mib"] for r in found) for name, found in results.items()}
        ratio = f"{rates['ours'] / rates['torch']:.2f}" if "torch" in rates else "-"
        cells = [f"{rates[name]:.0f} | {memory[name]} |" for name in peers]
        floors = [r["floor_ms"] / r["ms_per_step"] for r in results["ours"] if r["floor_ms"]]
        floor = f"{statistics.median(floors):.0%}" if floors else "-"
        print("|", " | ".join(map(str, setting)), "|", *cells, f"{ratio} | {floor} |", flush=True)
    print(f"\nTensorFlow's import alone takes {import_mib()} MiB.")


if __name__ == "__main__":
    main()
