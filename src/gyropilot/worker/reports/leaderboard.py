"""The page of a job's candidates: how good, how quick and how large they are, and when each was trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from gyropilot.engine.problems.tabular.candidates import ENSEMBLE
from gyropilot.service.records import AutoMLJob, Candidate, Metric
from gyropilot.service.states import CandidateStatus
from gyropilot.worker.reports.canvas import Axis
from gyropilot.worker.reports.charts import draw_bars, draw_lines, draw_points, draw_spans
from gyropilot.worker.reports.document import Block, Cell, Paragraph, Picture, Pictures, Report, Section, Table

PAGE = "leaderboard.html"
SPANS = 60
"""So many candidates at most are drawn on the time line, in the order in which they began."""
NAMED = 3
"""So many of the best are named in the picture of scores and latencies."""
ROWS = 300


def describe_leaderboard(
    job: AutoMLJob, candidates: Sequence[Candidate], *, sizes: Mapping[str, int], made_at: datetime
) -> Report:
    """Return the report of a job's candidates.

    Args:
        job: the job, as it is when it ends.
        candidates: all that it began.
        sizes: bytes of the models of those that this worker saw finishing, by name.
        made_at: when the page is made.
    """
    ranked = rank(candidates)
    began = job.started_at or job.created_at
    best = next((each for each in ranked if each.name == job.best_candidate), None)
    parts = (
        ("Candidates", _list_candidates(ranked, candidates, sizes)),
        ("Score and latency", _show_scores(ranked, candidates)),
        ("Ensemble", _show_ensemble(ranked, candidates)),
        ("Time line", _show_times(candidates, ranked, began)),
    )
    metric = ranked[0].objective.name if ranked and ranked[0].objective else job.resolved_objective
    return Report(
        title=f"Leaderboard: {job.name}",
        lead="What was trained, how good it is on rows that were not learned from, how quick and how large.",
        facts={
            "Job": job.name,
            "Best candidate": job.best_candidate or None,
            f"Best {metric}" if metric else "Score": best.objective.value if best and best.objective else None,
            "Candidates": len(candidates),
            "Target": job.problem.target,
            "Problem type": job.resolved_problem_type,
            "Time": f"{(made_at - began).total_seconds():,.0f} s",
            "Made": made_at.strftime("%Y-%m-%d %H:%M UTC"),
        },
        sections=[Section(title=title, blocks=list(blocks)) for title, blocks in parts],
    )


def rank(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that were trained to their end, best first."""
    done = [(each, each.objective) for each in candidates if each.objective is not None]
    done = [(each, objective) for each, objective in done if each.status is CandidateStatus.COMPLETED]
    return [each for each, objective in sorted(done, key=lambda pair: _loss(pair[1]))]


def _list_candidates(
    ranked: Sequence[Candidate], candidates: Sequence[Candidate], sizes: Mapping[str, int]
) -> Iterator[Block]:
    if not ranked:
        yield Paragraph(text="No candidate was trained to its end.")
        return
    metrics = [metric.name for metric in ranked[0].metrics]
    objective = ranked[0].objective
    assert objective is not None
    others = [name for name in metrics if name != objective.name]
    header = ["#", "Candidate", "Algorithm", objective.name, "Latency (µs)", "Size (MB)", "Training (s)", *others]
    rows = [
        [place, each.name, each.algorithm, *_measure(each, sizes), *_find(each.metrics, others)]
        for place, each in enumerate(ranked[:ROWS], 1)
    ]
    cut = f" (the best {ROWS} of {len(ranked):,})" if len(ranked) > ROWS else ""
    yield Table(caption=f"Trained candidates, best first{cut}", header=header, rows=rows)
    yield Paragraph(
        text="Scores are of rows that a candidate was not trained on. Latency is the time of one prediction of one "
        "row in the model server's process; training is processor time."
    )
    ended = [each for each in candidates if each.status in {CandidateStatus.FAILED, CandidateStatus.STOPPED}]
    if ended:
        yield Table(
            caption="Candidates that were given up",
            header=["Candidate", "Algorithm", "State", "Reason"],
            rows=[[each.name, each.algorithm, each.status.value, each.failure_reason] for each in ended[:ROWS]],
        )


def _measure(candidate: Candidate, sizes: Mapping[str, int]) -> Iterator[Cell]:
    assert candidate.objective is not None
    size = sizes.get(candidate.name)
    yield candidate.objective.value
    yield None if candidate.latency_seconds is None else 1e6 * candidate.latency_seconds
    yield None if size is None else size / 1e6
    yield candidate.fit_seconds


def _show_scores(ranked: Sequence[Candidate], candidates: Sequence[Candidate]) -> Iterator[Block]:
    timed = [each for each in ranked if each.latency_seconds is not None]
    if len(timed) < 2:
        yield Paragraph(text="There are fewer than two candidates to compare.")
        return
    # All algorithms in the order of the time line, so that each has one colour on the page.
    groups: dict[str, tuple[list[float], list[float]]] = {each.algorithm: ([], []) for each in _order(candidates)}
    for each in timed:
        xs, ys = groups[each.algorithm]
        xs.append(_microseconds(each))
        ys.append(_score(each))
    objective = timed[0].objective
    assert objective is not None
    better = "higher" if objective.higher_is_better else "lower"
    fastest = min(timed, key=_microseconds)
    yield Pictures(
        items=[
            draw_points(
                "Score against latency",
                groups,
                x=Axis(label="latency of one row", unit="µs", is_log=True),
                y=Axis(label=f"{objective.name}, {better} is better"),
                alternative=f"Points, one for each candidate. Best: {timed[0].algorithm}, {_score(timed[0]):.4g} at "
                f"{_microseconds(timed[0]):.3g} µs. Fastest: {fastest.algorithm}, {_score(fastest):.4g} at "
                f"{_microseconds(fastest):.3g} µs.",
            )
        ]
    )


def _show_ensemble(ranked: Sequence[Candidate], candidates: Sequence[Candidate]) -> Iterator[Block]:
    best = next((each for each in ranked if each.algorithm == ENSEMBLE), None)
    if best is None:
        yield Paragraph(text="There is no ensemble among the candidates.")
        return
    by_number = {_number(each.name): each for each in candidates}
    weights: Mapping[str, float] = best.parameters["weights"]
    members = [
        (by_number.get(int(name.strip("c"))), weight)
        for name, weight in sorted(weights.items(), key=lambda item: -item[1])
    ]
    total = sum(weights.values()) or 1.0
    named = [(each.name if each else "?", each.algorithm if each else "", weight / total) for each, weight in members]
    place = "the best candidate" if best is ranked[0] else f"number {ranked.index(best) + 1} of the list"
    single = [f" The best single candidate scores {_score(each):.6g}." for each in ranked if each.algorithm != ENSEMBLE]
    yield Paragraph(
        text=f"{best.name}, {place}, averages the predictions of its members by their weights. It scores "
        f"{_score(best):.6g}.{''.join(single[:1])}"
    )
    yield Pictures(
        items=[
            draw_bars(
                "Weights of the ensemble's members",
                [f"{name.rpartition('-trial-')[2]} {algorithm}" for name, algorithm, _ in named],
                [100 * weight for *_, weight in named],
                x=Axis(label="weight", unit="%"),
                texts=[f"{weight:.0%}" for *_, weight in named],
                alternative="Bars of weights: "
                + ", ".join(f"{algorithm} {weight:.0%}" for _, algorithm, weight in named),
            )
        ]
    )
    yield Table(
        header=["Member", "Algorithm", "Weight"],
        shares=["Weight"],
        rows=[[name, algorithm, weight] for name, algorithm, weight in named],
    )


def _show_times(candidates: Sequence[Candidate], ranked: Sequence[Candidate], began: datetime) -> Iterator[Block]:
    spans = [
        ((each.created_at - began).total_seconds(), (each.ended_at - began).total_seconds(), each)
        for each in _order(candidates)
        if each.ended_at is not None
    ]
    if not spans:
        yield Paragraph(text="No candidate ended.")
        return
    shown = spans[:SPANS]
    pictures: list[Picture] = []
    if len(ranked) > 1:
        pictures.append(_draw_best_so_far(ranked, began))
    pictures.append(
        draw_spans(
            "When each candidate was trained" + (f" (the first {SPANS})" if len(spans) > SPANS else ""),
            [(_label(each), start, end, each.algorithm) for start, end, each in shown],
            x=Axis(label="time since the job began", unit="s"),
            alternative=f"{len(shown)} candidates from {shown[0][0]:.0f} s to {max(end for _, end, _ in shown):.0f} s "
            "after the job began, the first one on top.",
        )
    )
    yield Pictures(items=pictures)


def _draw_best_so_far(ranked: Sequence[Candidate], began: datetime) -> Picture:
    times, scores = [], []
    best: Metric | None = None
    for each in sorted(ranked, key=lambda candidate: candidate.ended_at or began):
        if each.objective and (best is None or _loss(each.objective) < _loss(best)):
            best = each.objective
            times.append(((each.ended_at or began) - began).total_seconds())
            scores.append(best.value)
    assert best is not None
    last = max(((each.ended_at or began) - began).total_seconds() for each in ranked)
    return draw_lines(
        "Best candidate so far",
        {"best": ([*times, last], [*scores, scores[-1]])},
        x=Axis(label="time since the job began", unit="s"),
        y=Axis(label=best.name),
        has_steps=True,
        alternative=f"The best {best.name} goes from {scores[0]:.4g} after {times[0]:.0f} s to {scores[-1]:.4g} after "
        f"{times[-1]:.0f} s.",
    )


def _label(candidate: Candidate) -> str:
    """Return what a candidate is called on its job's page: its number, and of tuning its pipeline."""
    if candidate.pipeline:
        return f"{candidate.name.rsplit('-', 2)[-2]} {candidate.pipeline}"
    return candidate.name.rpartition("-trial-")[2]


def _order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates in the order in which they began."""
    return sorted(candidates, key=lambda each: (each.created_at, each.name))


def _loss(metric: Metric) -> float:
    return -metric.value if metric.higher_is_better else metric.value


def _find(metrics: Sequence[Metric], names: Sequence[str]) -> list[float | None]:
    values = {metric.name: metric.value for metric in metrics}
    return [values.get(name) for name in names]


def _microseconds(candidate: Candidate) -> float:
    return 1e6 * (candidate.latency_seconds or 0.0)


def _score(candidate: Candidate) -> float:
    assert candidate.objective is not None
    return candidate.objective.value


def _number(name: str) -> int:
    """Return the number of a candidate within its job."""
    digits = name.rpartition("-t")[2].partition("-")[0]
    return int(digits) if digits.isdigit() else -1
