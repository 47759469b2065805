"""Tells a run on the screen, a line for what matters: `fit(…, on_event=print_progress)`."""

from __future__ import annotations

from gyropilot.engine.events import (
    CandidateFailed,
    CandidateFinished,
    CandidateStopped,
    DataRead,
    Event,
    Found,
    PipelinesChosen,
    RunFinished,
)


def print_progress(event: Event) -> None:
    """Print a line when the data is read, a candidate is there or has failed, and the run ends."""
    line = _describe(event)
    if line:
        print(line, flush=True)


def _describe(event: Event) -> str:
    match event:
        case DataRead():
            return f"{event.rows} rows, {event.columns} columns: {event.problem_type}, ranked by {event.objective}"
        case Found():
            return event.message
        case CandidateFinished(result=result):
            best = ", the best so far" if event.is_best else ""
            score = f"{result.objective.metric} {result.objective.value:.6g}"
            name = f"{result.pipeline} {result.algorithm}".strip()
            return f"{result.id} {name}: {score} in {result.fit_seconds:.1f} s{best}"
        case CandidateStopped():
            loss = f"{event.loss.metric} {event.loss.value:.6g}"
            return f"{event.id} {event.pipeline} {event.algorithm}: stopped early at {loss}"
        case PipelinesChosen():
            return "\n".join(
                f"{each.name}: {', '.join((*each.recipe, each.algorithm))}" for each in event.recommendation.pipelines
            )
        case CandidateFailed():
            return f"{event.id} {event.algorithm}: {'given up' if event.was_stopped else 'failed'}: {event.reason}"
        case RunFinished():
            return f"{len(event.candidates)} candidates; the best: {event.best.id} {event.best.algorithm}"
    return ""
