"""What a lane does: it speaks over its standard streams. Forked by `nursery.py`, or a program of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.algorithms.catalogue import ALGORITHMS
from gyropilot.engine.algorithms.views import begin_fit
from gyropilot.engine.contracts import HOLDOUT, Fit, TrainingData, write_part
from gyropilot.engine.data.store import read_training_data, take_share
from gyropilot.engine.lanes.imports import import_libraries
from gyropilot.engine.lanes.messages import (
    Advance,
    Advanced,
    Answer,
    Begin,
    Drop,
    Failed,
    Finish,
    Finished,
    Open,
    Opened,
    Order,
    Ready,
    read_order,
    write_message,
)

KEPT_NUMBERS = 20_000_000
"""What the fits of a larger table, or part of one, share is not kept for later ones where there are several tables."""


class Lane:
    """Keeps the fits of one lane and does what it is told."""

    def __init__(self) -> None:
        self._opened = ""
        self._tables: dict[tuple[str, float], TrainingData] = {}
        self._fits: dict[str, tuple[Fit, tuple[str, float]]] = {}

    def obey(self, order: Order) -> Answer | None:
        """Carry out an order and return the answer, if it has one; a fit that fails is forgotten."""
        match order:
            case Open(folder):
                self._opened = folder
                self._tables = {(folder, 1.0): read_training_data(Path(folder))}
                return Opened()
            case Drop(fit):
                self._forget(fit)
                return None
        try:
            return self._train(order)
        except Exception as error:  # whatever a library raises costs this fit, not the lane
            traceback.print_exc()
            self._forget(order.fit)
            return Failed(order.fit, f"{type(error).__name__}: {error}"[:500])

    def _train(self, order: Begin | Advance | Finish) -> Answer:
        began = time.monotonic()
        match order:
            case Begin(fit, algorithm, parameters, fold, seed, table, rows_share):
                key = table or self._opened, rows_share
                import_libraries(ALGORITHMS[algorithm].abilities.modules)
                self._fits[fit] = begin_fit(self._find_table(*key), algorithm, fold, parameters, seed), key
                return Advanced(fit, [], False, time.monotonic() - began)
            case Advance(fit, max_steps, seconds):
                progress = self._fits[fit][0].advance(max_steps, seconds)
                return Advanced(fit, list(progress.losses), progress.is_finished, time.monotonic() - began)
            case Finish(fit, steps, honest_steps, check_rows, path):
                trained, key = self._fits[fit]
                holdout = _score_holdout(trained, self._find_table(*key), steps)
                np.save(f"{path}-validation.npy", trained.predict(honest_steps), allow_pickle=False)
                np.save(f"{path}-holdout.npy", holdout, allow_pickle=False)
                np.save(f"{path}-check.npy", trained.score_rows(np.array(check_rows), steps), allow_pickle=False)
                write_part(trained.part(steps), Path(f"{path}.npz"))
                del trained
                self._forget(fit)
                return Finished(fit, time.monotonic() - began)

    def _find_table(self, folder: str, rows_share: float) -> TrainingData:
        """Return a table, mapped when it is first asked for, and what its fits share."""
        key = folder, rows_share
        if key not in self._tables:
            if not folder:
                raise RuntimeError("a fit was begun before the data was opened")
            whole = read_training_data(Path(folder)) if rows_share == 1 else self._find_table(folder, 1.0)
            self._tables[key] = whole if rows_share == 1 else take_share(whole, rows_share)
        return self._tables[key]

    def _forget(self, fit: str) -> None:
        """Give back what a fit held; what the fits of a table share goes, too, when it is large and none is left."""
        known = self._fits.pop(fit, None)
        if known is not None:
            table, rows_share = self._tables[known[1]], known[1][1]
            is_used = any(key == known[1] for _, key in self._fits.values())
            if len(self._tables) > 1 and not is_used and rows_share * table.features.size > KEPT_NUMBERS:
                table.cache.clear()
        _TRIM(0)


def _score_holdout(trained: Fit, data: TrainingData, steps: int) -> NDArray[np.float64]:
    rows = data.validation_rows(HOLDOUT)
    return trained.score_rows(rows, steps) if len(rows) else np.empty((0, data.output_count))


def _find_trim() -> Callable[[int], int]:
    """Return what gives freed memory back to the system; libraries leave gaps that the allocator would keep."""
    library = ctypes.CDLL(None)
    return getattr(library, "malloc_trim", lambda _: 0)  # the GNU library's own


_TRIM = _find_trim()


def run_lane(modules: Sequence[str]) -> None:
    """Import the modules, then obey what comes in on standard input until the supervisor closes it."""
    # Libraries print to standard output; the answers go out on a stream of their own, and print goes to the log.
    with os.fdopen(os.dup(0), "rb") as orders, os.fdopen(os.dup(1), "wb") as answers, suppress(BrokenPipeError):
        os.dup2(2, 1)
        with suppress(ImportError):  # told to whoever begins a fit that needs it
            import_libraries(modules)
        write_message(answers, Ready())
        lane = Lane()
        while (order := read_order(orders)) is not None:
            answer = lane.obey(order)
            if answer is not None:
                write_message(answers, answer)


def main() -> None:
    """Run as a program: `python -m gyropilot.engine.lanes.process MODULE …`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program that started it decides what an interrupt ends
    run_lane(sys.argv[1:])


if __name__ == "__main__":
    main()
