"""What came of trials, kept on disk: a run that is taken up again goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gyropilot.engine.files import write_file
from gyropilot.engine.search.halving import name_trial
from gyropilot.engine.search.tuner import TrialResult
from gyropilot.engine.tuning import Trial

TRIAL = "trial.json"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    pipeline: str
    parameters: dict[str, Any]
    seed: int | None = None
    stage_losses: tuple[float | None, ...]
    is_whole: bool
    fit_seconds: float
    failure: str = ""


class TrialJournal:
    """The results of a run's trials, by their numbers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, result: TrialResult, fit_seconds: float, failure: str = "") -> None:
        """Keep the result of a trial."""
        record = _Record(
            number=result.number,
            pipeline=result.trial.pipeline,
            parameters=dict(result.trial.parameters),
            seed=result.trial.seed,
            stage_losses=result.stage_losses,
            is_whole=result.is_whole,
            fit_seconds=fit_seconds,
            failure=failure,
        )
        folder = self._folder / name_trial(result.number)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / TRIAL, msgspec.json.encode(record))

    def read(self) -> dict[int, tuple[TrialResult, float, str]]:
        """Return what an earlier run of the same task kept: results, lane seconds, and why trials failed."""
        found = {}
        for path in sorted(self._folder.glob(f"*/{TRIAL}")):
            record = msgspec.json.decode(path.read_bytes(), type=_Record)
            losses = tuple(float("inf") if loss is None else loss for loss in record.stage_losses)
            result = TrialResult(
                number=record.number,
                trial=Trial(pipeline=record.pipeline, parameters=record.parameters, seed=record.seed),
                stage_losses=losses,
                is_whole=record.is_whole,
            )
            found[record.number] = result, record.fit_seconds, record.failure
        return found
