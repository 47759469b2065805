"""The report on why a candidate predicts what it does."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.explain.explanation import EXACT, Explanation, WordEffects
from gyropilot.engine.features.encoders import CategoricalEncoder, DatetimeEncoder, Encoder, NumericEncoder
from gyropilot.engine.problems.tabular.evidence import Explained
from gyropilot.worker.reports.canvas import Axis, open_canvas, shorten
from gyropilot.worker.reports.charts import draw_bars, draw_boxes, draw_points
from gyropilot.worker.reports.document import Block, Bullets, Cell, Paragraph, Picture, Pictures, Report, Section, Table
from gyropilot.worker.reports.palette import MUTED, OPPOSITES, SERIES
from gyropilot.worker.reports.subject import Subject

TOP, EXAMPLES, WORDS = 10, 3, 15
"""How many columns have a bar and a swarm, how many rows are examples, and how many words have a bar."""
DEPENDENCES, DEPENDENCES_EACH = 6, 2
"""How many columns have a dependence plot; where there are several labels, for each of these."""
MAX_LABELS = 4
"""Of more labels, those that are moved most have pictures; the documents have all."""
CELL_CHARACTERS = 160
"""So much of a text or a sequence is shown."""
SWARM_POINTS = 200
SWARM_BINS, SWARM_WIDTH = 60, 0.36
MAX_CATEGORIES = 10
LOW_TO_HIGH = (OPPOSITES[10], OPPOSITES[8], OPPOSITES[2], OPPOSITES[0])
"""Colours of a cell among the column's, from low to high."""

Numbers = NDArray[np.float64]


def make_explanation_report(explained: Explained, subject: Subject) -> Report:
    """Return the report."""
    explanation = explained.explanation
    words, rows = explained.words, len(explanation.values)
    return Report(
        title=f"Explanation of {subject.candidate}",
        lead="Which columns move the model's predictions, in which direction, and how far (SHAP values of the whole "
        "model).",
        facts={
            **subject.facts,
            "Rows explained": rows,
            "Method": "exact" if explanation.method == EXACT else "random orders of the columns",
        },
        sections=[
            Section(title="What matters", blocks=list(_show_importance(explanation, subject))),
            *_show_labels(explained),
            *(Section(title=f"Words of {each.column}", blocks=_show_words(each, explanation)) for each in words),
            Section(title="Single rows", blocks=list(_show_examples(explained))),
            Section(title="All columns", blocks=[_list_columns(explanation)]),
            Section(title="How to read this", blocks=[Bullets(items=list(_explain_terms(explained)))]),
        ],
    )


def _show_importance(explanation: Explanation, subject: Subject) -> Iterator[Block]:
    total, error = _add_labels(explanation)
    ranking = explanation.ranking
    names = [explanation.columns[place] for place in ranking]
    if len(explanation.values) < explanation.asked:
        yield Paragraph(
            text=f"The time allowed {len(explanation.values):,} of {explanation.asked:,} rows to be explained: "
            "figures are less sure than they could be."
        )
    top = ranking[:TOP]
    yield Pictures(
        items=[
            draw_bars(
                f"Importance of the first {len(top)} columns" if len(ranking) > TOP else "Importance of the columns",
                names[:TOP],
                total[top].tolist(),
                x=Axis(label="mean absolute SHAP value", unit=_unit(subject)),
                errors=error[top].tolist(),
                alternative="; ".join(f"{explanation.columns[n]}: {total[n]:.3g}" for n in top),
            )
        ]
    )


def _list_columns(explanation: Explanation) -> Table:
    total, error = _add_labels(explanation)
    share = total / max(float(total.sum()), 1e-300)
    return Table(
        header=["Column", "Importance", "Standard error", "Share"],
        rows=[[explanation.columns[n], float(total[n]), float(error[n]), float(share[n])] for n in explanation.ranking],
        shares=["Share"],
    )


def _add_labels(explanation: Explanation) -> tuple[Numbers, Numbers]:
    """Return each column's importance over all labels, and its standard error."""
    return explanation.importance.sum(axis=1), np.sqrt((explanation.importance_error**2).sum(axis=1))


def _show_labels(explained: Explained) -> Iterator[Section]:
    explanation = explained.explanation
    order = np.argsort(-np.abs(explanation.values).mean(axis=(0, 1)), kind="stable")[:MAX_LABELS]
    for label in sorted(order.tolist()):
        ranking = np.argsort(-explanation.importance[:, label], kind="stable").tolist()
        name = explanation.labels[label]
        is_alone = len(explanation.labels) == 1
        pictures = [_draw_swarm(explained, ranking[:TOP], label)]
        pictures += _draw_dependences(explained, ranking, label, DEPENDENCES if is_alone else DEPENDENCES_EACH)
        text = (
            f"Each point is a row. Points on the right moved the prediction of {name} up, those on the left down; the "
            f"mean prediction that they moved it from is {explanation.expected[label]:.4g}."
        )
        yield Section(
            title="In which direction" if is_alone else f"In which direction: {name}",
            blocks=[Paragraph(text=text), Pictures(items=pictures)],
        )


def _draw_swarm(explained: Explained, columns: list[int], label: int) -> Picture:
    values = explained.explanation.values[:SWARM_POINTS, :, label]
    with open_canvas(height=0.8 + 0.36 * max(3, len(columns))) as canvas:
        canvas.axes.axvline(0, color=MUTED, linewidth=0.8)
        for place, column in enumerate(columns):
            moved = values[:, column]
            canvas.axes.scatter(
                moved, place + _spread(moved), s=6, linewidths=0, c=_colour_cells(explained, column, len(moved))
            )
        names = [explained.explanation.columns[column] for column in columns]
        canvas.axes.set_yticks(np.arange(len(names)), [shorten(name) for name in names])
        canvas.axes.set_ylim(len(names) - 0.4, -0.6)
        canvas.axes.grid(visible=False, axis="y")
        for text, colour in (("low", LOW_TO_HIGH[0]), ("high", LOW_TO_HIGH[-1]), ("no order", SERIES[7])):
            canvas.axes.scatter([], [], s=14, color=colour, label=text)
        canvas.axes.legend(
            title="cell", loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, handletextpad=0.1, columnspacing=1.0
        )
        canvas.name_axes(Axis(label="SHAP value"), Axis(label=""))
        return Picture(
            title="Every row's SHAP values",
            alternative="; ".join(
                f"{explained.explanation.columns[n]} moves rows by {values[:, n].min():.3g} to {values[:, n].max():.3g}"
                for n in columns
            ),
            figure=canvas.figure,
        )


def _spread(moved: Numbers) -> Numbers:
    """Return how far points are set apart from the middle, so that many of the same place are seen as many."""
    reach = float(np.ptp(moved)) or 1.0
    bins = ((moved - moved.min()) / reach * SWARM_BINS).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins)
    rank = np.empty(len(moved))
    rank[order] = np.arange(len(moved)) - np.repeat(np.cumsum(counts) - counts, counts)
    side = np.where(rank % 2 == 0, 1, -1) * np.ceil(rank / 2)
    spread: Numbers = SWARM_WIDTH * side / max(float(counts.max()) / 2, 6.0)
    return spread


def _colour_cells(explained: Explained, column: int, rows: int) -> list[str]:
    encoder, cells = _cells(explained, column)
    if not isinstance(encoder, NumericEncoder | DatetimeEncoder):
        return [SERIES[7]] * rows
    known = np.sort(cells[~np.isnan(cells)])
    rank = np.searchsorted(known, cells[:rows], side="left") + np.searchsorted(known, cells[:rows], side="right")
    part = np.minimum(rank / max(2 * len(known), 1) * len(LOW_TO_HIGH), len(LOW_TO_HIGH) - 1).astype(np.int64)
    return [
        SERIES[7] if cell != cell else LOW_TO_HIGH[place]
        for cell, place in zip(cells[:rows].tolist(), part.tolist(), strict=True)
    ]


def _draw_dependences(explained: Explained, ranking: list[int], label: int, most: int) -> Iterator[Picture]:
    kinds = NumericEncoder | DatetimeEncoder | CategoricalEncoder
    chosen = [column for column in ranking if isinstance(explained.encoder.encoders[column], kinds)]
    for column in chosen[:most]:
        encoder, cells = _cells(explained, column)
        moved = explained.explanation.values[:, column, label]
        if isinstance(encoder, CategoricalEncoder):
            yield _draw_categories(encoder, cells, moved)
        else:
            yield _draw_amounts(encoder, cells, moved)


def _draw_amounts(encoder: Encoder, cells: Numbers, moved: Numbers) -> Picture:
    is_date = isinstance(encoder, DatetimeEncoder)
    known = ~np.isnan(cells)
    x = 2000 + cells[known] / 365.2425 if is_date else cells[known]
    y = moved[known]
    if len(x) > 1:
        low, high = np.quantile(x, [0.25, 0.75])
        words = (
            f"In the lowest quarter of {encoder.name} its mean SHAP value is {y[x <= low].mean():.3g}, "
            f"in the highest {y[x >= high].mean():.3g}."
        )
    else:
        words = "Nearly all cells are missing."
    missing = moved[~known]
    if len(missing):
        words += f" Where it is missing ({len(missing)} rows), it is {missing.mean():.3g}."
    return draw_points(
        f"{encoder.name} and what it does",
        {"rows": (x, y)},
        x=Axis(label=encoder.name, unit="year" if is_date else ""),
        y=Axis(label="SHAP value"),
        alternative=words,
    )


def _draw_categories(encoder: CategoricalEncoder, cells: Numbers, moved: Numbers) -> Picture:
    names = {float(code): category for code, category in enumerate(encoder.categories)} | {-1.0: "(rare or new)"}
    keys = np.where(np.isnan(cells), -2.0, cells)
    found, counts = np.unique(keys, return_counts=True)
    chosen = found[np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]]
    groups = sorted(
        ((names.get(key, "(missing)"), moved[keys == key]) for key in chosen.tolist()),
        key=lambda each: -float(np.median(each[1])),
    )
    return draw_boxes(
        f"{encoder.name} and what it does",
        {name: np.quantile(each, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist() for name, each in groups},
        x=Axis(label="SHAP value"),
        alternative="Medians: " + "; ".join(f"{name} {np.median(each):.3g}" for name, each in groups),
    )


def _cells(explained: Explained, column: int) -> tuple[Encoder, Numbers]:
    """Return a column's encoder and the first number of each of its cells."""
    encoders = explained.encoder.encoders
    first = sum(len(each.outputs) for each in encoders[:column])
    return encoders[column], explained.base[:, first].astype(np.float64)


def _show_words(words: WordEffects, explanation: Explanation) -> list[Block]:
    if not words.words:
        return [Paragraph(text=f"No word is in enough of the {words.texts} texts that were looked at.")]
    text = (
        f"How far each word moved the prediction, compared with the same text without it: means over those of "
        f"{words.texts} texts that have the word. First come the words of the largest effects, frequent ones before "
        "rare ones."
    )
    labels = np.argsort(-np.abs(words.effects).sum(axis=0), kind="stable")[: MAX_LABELS // 2].tolist()
    shown = slice(0, WORDS)
    pictures = [
        draw_bars(
            f"Words and {explanation.labels[label]}",
            words.words[shown],
            words.effects[shown, label].tolist(),
            x=Axis(label="mean effect on the prediction"),
            colours=[SERIES[0] if effect >= 0 else SERIES[3] for effect in words.effects[shown, label]],
            alternative="; ".join(
                f"{word} {effect:+.3g} in {count} texts"
                for word, effect, count in zip(
                    words.words[shown], words.effects[shown, label], words.counts[shown], strict=True
                )
            ),
        )
        for label in labels
    ]
    return [Paragraph(text=text), Pictures(items=pictures)]


def _show_examples(explained: Explained) -> Iterator[Block]:
    explanation = explained.explanation
    label = int(np.argmax(explanation.predictions.var(axis=0)))
    order = np.argsort(explanation.predictions[:, label], kind="stable")
    places = dict.fromkeys([int(order[-1]), int(order[len(order) // 2]), int(order[0])])
    yield Paragraph(
        text=f"The rows with the highest, the middle and the lowest prediction of {explanation.labels[label]}. The "
        f"base of {explanation.expected[label]:.4g} and all columns' values add up to the prediction."
    )
    for row in list(places)[:EXAMPLES]:
        values = explanation.values[row, :, label]
        top = np.argsort(-np.abs(values), kind="stable")[:TOP].tolist()
        rest = float(values.sum() - values[top].sum())
        rows: list[list[Cell]] = [
            [explanation.columns[place], _write_cell(explained, row, place), float(values[place])] for place in top
        ]
        if len(values) > TOP:
            rows.append([f"{len(values) - TOP} other columns", "", rest])
        yield Table(
            caption=f"Prediction {explanation.predictions[row, label]:.4g}",
            header=["Column", "Cell", "SHAP value"],
            rows=rows,
        )


def _write_cell(explained: Explained, row: int, column: int) -> str:
    encoder, cells = _cells(explained, column)
    number = float(cells[row])
    if number != number:
        return "missing"
    if isinstance(encoder, CategoricalEncoder):
        return encoder.categories[int(number)] if number >= 0 else "rare or new"
    if isinstance(encoder, DatetimeEncoder):
        return str(np.datetime64("2000-01-01") + np.timedelta64(int(number), "D"))
    if isinstance(encoder, NumericEncoder):
        return f"{number:.6g}"
    return textwrap.shorten(str(explained.rows.column(encoder.name)[row].as_py()), CELL_CHARACTERS, placeholder=" …")


def _explain_terms(explained: Explained) -> Iterator[str]:
    explanation = explained.explanation
    yield (
        "A SHAP value says how far a column moved the prediction of a row, compared with the rows of the baseline, "
        "on average over all orders in which columns could be exchanged. A row's values and the base add up to its "
        "prediction."
    )
    yield (
        f"The baseline is {len(explained.baseline)} typical rows, centres of equal parts of the training data, in "
        "explanations_shap/baseline.csv. The base is the model's mean prediction of them."
    )
    yield "The importance of a column is its mean absolute SHAP value over the rows explained."
    if explanation.method == EXACT:
        yield "Values are exact: every set of columns was asked for."
    else:
        yield (
            "Values are means over random orders of the columns, each taken forwards and backwards."
            + _word_error(explanation)
        )
    yield "A column that moves predictions is not what causes them: two columns that say the same share what they move."


def _word_error(explanation: Explanation) -> str:
    error = float(np.sqrt((explanation.standard_error**2).mean()))
    size = float(np.sqrt((explanation.values**2).mean()))
    if error != error:
        return " There was no time to see how far other orders would change them."
    return f" Other orders would change a row's value by about {error:.2g}, where values are about {size:.2g} in size."


def _unit(subject: Subject) -> str:
    return subject.target if subject.problem_type == "regression" else "probability"
