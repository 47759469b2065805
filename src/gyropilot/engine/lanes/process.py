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
from gyropilot.engine.data.store import read_training_data
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


class Lane:
    """Keeps the fits of one lane and does what it is told."""

    def __init__(self) -> None:
        self._data: TrainingData | None = None
        self._fits: dict[str, Fit] = {}

    def obey(self, order: Order) -> Answer | None:
        """Carry out an order and return the answer, if it has one; a fit that fails is forgotten."""
        match order:
            case Open(folder):
                self._data = read_training_data(Path(folder))
                return Opened()
            case Drop(fit):
                self._fits.pop(fit, None)
                _TRIM(0)
                return None
        try:
            return self._train(order)
        except Exception as error:  # whatever a library raises costs this fit, not the lane
            traceback.print_exc()
            self._fits.pop(order.fit, None)
            return Failed(order.fit, f"{type(error).__name__}: {error}"[:500])

    def _score_holdout(self, trained: Fit, steps: int) -> NDArray[np.float64]:
        assert self._data is not None
        rows = self._data.validation_rows(HOLDOUT)
        return trained.score_rows(rows, steps) if len(rows) else np.empty((0, self._data.output_count))

    def _train(self, order: Begin | Advance | Finish) -> Answer:
        began = time.monotonic()
        match order:
            case Begin(fit, algorithm, parameters, fold, seed):
                if self._data is None:
                    raise RuntimeError("a fit was begun before the data was opened")
                import_libraries(ALGORITHMS[algorithm].abilities.modules)
                self._fits[fit] = begin_fit(self._data, algorithm, fold, parameters, seed)
                return Advanced(fit, [], False, time.monotonic() - began)
            case Advance(fit, max_steps, seconds):
                progress = self._fits[fit].advance(max_steps, seconds)
                return Advanced(fit, list(progress.losses), progress.is_finished, time.monotonic() - began)
            case Finish(fit, steps, honest_steps, check_rows, path):
                trained = self._fits.pop(fit)
                np.save(f"{path}-validation.npy", trained.predict(honest_steps), allow_pickle=False)
                np.save(f"{path}-holdout.npy", self._score_holdout(trained, steps), allow_pickle=False)
                np.save(f"{path}-check.npy", trained.score_rows(np.array(check_rows), steps), allow_pickle=False)
                write_part(trained.part(steps), Path(f"{path}.npz"))
                del trained
                _TRIM(0)
                return Finished(fit, time.monotonic() - began)


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
