"""Writes predictions as the client asked for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from gyropilot.serving.media import CSV, JSON
from gyropilot.serving.model import Answers, Model
from gyropilot.serving.options import ServingOptions
from gyropilot.serving.tables import Table

Column = Sequence[Any]

EXPLANATION = "explanation"
"""The key of what moved a prediction."""
BOUNDED = ("predicted_label", "lower_bound", "upper_bound")
"""What an answer of a regression with bounds holds."""


def write_answers(
    answers: Answers,
    model: Model,
    options: ServingOptions,
    media_type: str,
    explanations: Sequence[dict[str, Any]] | None = None,
) -> bytes:
    """Return the body of a response: one entry per row, in the order of the rows; explanations come last in each.

    Raises:
        RequestError: when bounds are asked for that the model does not have.
    """
    keys, columns = tabulate_answers(answers, model, options)
    if media_type == CSV:
        texts = [] if explanations is None else [[orjson.dumps(each).decode() for each in explanations]]
        return write_csv(zip(*columns, *texts, strict=True))
    if explanations is not None:
        keys, columns = (*keys, EXPLANATION), [*columns, explanations]
    rows = [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]
    if media_type == JSON:
        return orjson.dumps({"predictions": rows})
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def tabulate_answers(answers: Answers, model: Model, options: ServingOptions) -> tuple[Sequence[str], Sequence[Column]]:
    """Return what an answer holds: its keys, and a column with a value per row for each.

    Raises:
        RequestError: when bounds are asked for that the model does not have.
    """
    if isinstance(answers, Table):
        return answers.pick(options)
    if options.interval is not None:
        low, high = model.find_bounds(answers.values, options.interval)
        return BOUNDED, [answers.values.tolist(), low.tolist(), high.tolist()]
    if not model.classes:
        return BOUNDED[:1], [answers.values.tolist()]
    return options.output, [_column(key, answers, model, options) for key in options.output]


def _column(key: str, answers: Answers, model: Model, options: ServingOptions) -> Column:
    make = _COLUMNS.get(key) if key in options.supported else None
    return make(answers, model) if make else [float("nan")] * len(answers.labels)


_COLUMNS: dict[str, Callable[[Answers, Model], Column]] = {
    "predicted_label": lambda answers, _: list(answers.labels),
    "probability": lambda answers, _: answers.probabilities.max(axis=1).tolist(),
    "probabilities": lambda answers, _: answers.probabilities.tolist(),
    "labels": lambda answers, model: [list(model.classes)] * len(answers.labels),
}


def write_csv(rows: Iterable[Iterable[Any]]) -> bytes:
    """Return rows as lines of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
