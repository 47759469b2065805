"""From a pandas frame to a leaderboard, predictions and a file. No server is needed.

python examples/with_pandas.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gyropilot.engine import Budget, Task, fit, load, print_progress

DATA = Path(__file__).parent / "data" / "diamonds.csv"
MODEL = Path("diamonds.tar.gz")


def main() -> None:
    diamonds = pd.read_csv(DATA).sample(frac=1, random_state=0)
    training, rest = diamonds[:2400], diamonds[2400:]

    # Text columns need no encoding, missing cells no filling. Budget(max_runtime_seconds=300) would stop by the clock.
    task = Task(target="price", objective="mae")
    model = fit(training, task, Budget(max_candidates=3), on_event=print_progress)

    board = model.leaderboard().to_pandas()
    print(board[["id", "algorithm", "mae", "r2", "fit_seconds", "size_bytes"]].to_string(index=False))

    model.save(MODEL)
    opened = load(MODEL)
    compared = rest[["carat", "cut", "price"]].assign(predicted=opened.predict(rest).round())
    print(compared.head().to_string(index=False))
    print({name: round(value, 3) for name, value in opened.evaluate(rest).items()})


if __name__ == "__main__":
    main()
