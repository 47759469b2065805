"""Write a random sample of a CSV file's rows, in the file's order: how the files of `examples/data` were made.

python tools/sample_rows.py SOURCE TARGET --rows 10000
"""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path


def sample_rows(source: Path, target: Path, *, rows: int, seed: int) -> int:
    """Write the header and `rows` rows chosen without replacement, and return how many the source has."""
    with source.open(newline="", encoding="utf-8") as file:
        header, *body = list(csv.reader(file))
    chosen = sorted(random.Random(seed).sample(range(len(body)), rows))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(body[index] for index in chosen)
    return len(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    total = sample_rows(arguments.source, arguments.target, rows=arguments.rows, seed=arguments.seed)
    print(f"{arguments.target}: {arguments.rows} of {total} rows")


if __name__ == "__main__":
    main()
