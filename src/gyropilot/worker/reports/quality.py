"""The report on a candidate's quality."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gyropilot.engine.quality.curves import BinaryCurves, Calibration, Residuals
from gyropilot.engine.quality.figures import CONSTANT
from gyropilot.engine.quality.report import Quality
from gyropilot.worker.reports.canvas import Axis, open_canvas
from gyropilot.worker.reports.charts import draw_heat_map, draw_histogram, draw_lines, draw_points
from gyropilot.worker.reports.document import Block, Bullets, Cell, Paragraph, Picture, Pictures, Report, Section, Table
from gyropilot.worker.reports.palette import MUTED, SERIES
from gyropilot.worker.reports.subject import Subject

MAX_LABELS = 15
"""A confusion matrix of more labels could not be read: it has the most frequent ones."""
SHARE = (-0.02, 1.02)
TITLES = {
    "accuracy": "accuracy",
    "auc": "AUC (area under the ROC curve)",
    "au_prc": "area under the precision-recall curve",
    "f1": "F1",
    "f0_5": "F0.5",
    "f2": "F2",
    "precision": "precision",
    "recall": "recall",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "mae": "mean absolute error (MAE)",
    "mse": "mean squared error (MSE)",
    "rmse": "root mean squared error (RMSE)",
    "r2": "R²",
}


def make_quality_report(quality: Quality, subject: Subject, seconds: float) -> Report:
    """Return the report.

    Args:
        quality: what was found.
        subject: the candidate.
        seconds: how long finding it took.
    """
    return Report(
        title=f"Model quality of {subject.candidate}",
        lead="How good the model's predictions are for rows that it did not learn from, how sure that is, and where it "
        "is worst.",
        facts={**subject.facts, "Rows evaluated": quality.rows, "Evaluation time (seconds)": round(seconds, 2)},
        sections=[
            Section(title="Metrics", blocks=list(_show_figures(quality))),
            *_show_classes(quality),
            *([_show_curves(quality.curves)] if quality.curves else []),
            *([_show_calibration(quality.calibration, quality)] if quality.calibration else []),
            *([_show_residuals(quality.residuals, subject.target)] if quality.residuals else []),
            _show_slices(quality),
            Section(title="How to read this", blocks=[Bullets(items=list(_explain_terms(quality)))]),
        ],
    )


def _show_figures(quality: Quality) -> Iterator[Block]:
    weighted = " Rows count by their weights." if quality.is_weighted else ""
    yield Paragraph(
        text=f"Measured on {quality.rows:,} rows. No row was predicted by a model that had learned from it.{weighted}"
    )
    rows: list[list[Cell]] = [
        [_title(name), each.value, each.standard_deviation, each.low, each.high]
        for name, each in sorted(quality.figures.items(), key=lambda figure: _place(figure[0]))
        if not name.endswith(CONSTANT)
    ]
    header = ["Metric", "Value", "Standard deviation", "95 % from", "95 % to"]
    yield Table(header=header, rows=rows)
    constant = {name: each for name, each in quality.figures.items() if name.endswith(CONSTANT)}
    if constant:
        yield Table(
            caption="Next to a model that always predicts the most frequent label",
            header=["Metric", "This model", "Most frequent label"],
            rows=[
                [_title(name.removesuffix(CONSTANT)), quality.figures[name.removesuffix(CONSTANT)].value, each.value]
                for name, each in constant.items()
            ],
        )


def _show_classes(quality: Quality) -> Iterator[Section]:
    if not quality.classes:
        return
    actual, called = quality.confusion.sum(axis=1), quality.confusion.sum(axis=0)
    shown = np.sort(np.argsort(-actual, kind="stable")[:MAX_LABELS])
    names = [quality.classes[place] for place in shown]
    counts = quality.confusion[np.ix_(shown, shown)]
    totals = actual[shown][:, None]
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    hits = np.diag(quality.confusion)
    picture = draw_heat_map(
        "Confusion matrix",
        shares,
        names,
        names,
        limits=(0, 1),
        texts=[[f"{count:,.0f}" for count in row] for row in counts.tolist()],
        x="predicted",
        y="actual",
        scale="share of the actual label's rows",
        alternative="; ".join(
            f"of {total:,.0f} rows of {name}, {_percent(share)} are predicted so"
            for name, total, share in zip(names, actual[shown], np.diag(shares), strict=True)
        ),
    )
    left_out = len(quality.classes) - len(shown)
    note = [Paragraph(text=f"The {MAX_LABELS} most frequent labels of {len(quality.classes)}.")] if left_out else []
    yield Section(
        title="Right and wrong labels",
        blocks=[
            *note,
            Pictures(items=[picture]),
            Table(
                header=["Label", "Rows", "Recall", "Precision"],
                rows=[
                    [
                        quality.classes[place],
                        float(actual[place]),
                        _divide(hits[place], actual[place]),
                        _divide(hits[place], called[place]),
                    ]
                    for place in shown.tolist()
                ],
                shares=["Recall", "Precision"],
            ),
        ],
    )


def _show_curves(curves: BinaryCurves) -> Section:
    false, true = curves.false_positive_rates, curves.true_positive_rates
    shares = np.append(0, curves.shares)
    middle = float(np.interp(0.1, false, true))
    half = float(np.interp(0.5, curves.recalls, curves.precisions))
    pictures = [
        draw_lines(
            "ROC curve",
            {"model": (false.tolist(), true.tolist())},
            x=Axis(label="false positive rate", limits=SHARE),
            y=Axis(label="true positive rate", limits=SHARE),
            reference=([0, 1], [0, 1]),
            alternative=f"At a false positive rate of 10 % the true positive rate is {middle:.0%}; "
            "the dashed line is chance.",
        ),
        draw_lines(
            "Precision and recall",
            {"model": (curves.recalls.tolist(), curves.precisions.tolist())},
            x=Axis(label="recall", limits=SHARE),
            y=Axis(label="precision", limits=SHARE),
            alternative=f"Where half of the positive rows are found, the precision is {half:.0%}.",
        ),
        draw_lines(
            "Cumulative gain",
            {"model": (shares.tolist(), np.append(0, curves.gains).tolist())},
            x=Axis(label="share of rows, likeliest first", limits=SHARE),
            y=Axis(label="share of positive rows found", limits=SHARE),
            reference=([0, 1], [0, 1]),
            alternative=f"The likeliest tenth of the rows holds {curves.gains[0]:.0%} of the positive ones, "
            f"the likeliest half {curves.gains[4]:.0%}.",
        ),
        draw_lines(
            "Lift",
            {"model": (curves.shares.tolist(), curves.lifts.tolist())},
            x=Axis(label="share of rows, likeliest first", limits=(0, 1.02)),
            y=Axis(label="times as many positive rows"),
            reference=([0, 1], [1, 1]),
            alternative=f"In the likeliest tenth of the rows positive ones are {curves.lifts[0]:.2g} times as frequent "
            "as among all.",
        ),
    ]
    return Section(title="Ranking rows", blocks=[Pictures(items=pictures)])


def _show_calibration(calibration: Calibration, quality: Quality) -> Section:
    is_binary = len(quality.classes) == 2
    given, observed = calibration.given, calibration.observed
    with open_canvas() as canvas:
        canvas.axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        reach = np.maximum([observed - calibration.low, calibration.high - observed], 0)
        canvas.axes.errorbar(given, observed, yerr=reach, fmt="o-", color=SERIES[0], markersize=4, linewidth=1.2)
        canvas.name_axes(
            Axis(label="probability given", limits=SHARE), Axis(label="how often it came true", limits=SHARE)
        )
        words = ", ".join(f"{p:.0%} given: {o:.0%} true" for p, o in zip(given, observed, strict=True))
        picture = Picture(title="Calibration, with 95 % intervals", alternative=words, figure=canvas.figure)
    what = f"of {quality.classes[1]}" if is_binary else "of the likeliest label"
    text = (
        f"Probabilities {what} in bins of about as many rows each. Of rows that are given 30 %, 30 % should be so. "
        f"The mean distance (expected calibration error) is {calibration.expected_error:.3f}."
    )
    return Section(title="Are the probabilities right?", blocks=[Paragraph(text=text), Pictures(items=[picture])])


def _show_residuals(residuals: Residuals, target: str) -> Section:
    low = float(min(residuals.actual.min(), residuals.predicted.min()))
    high = float(max(residuals.actual.max(), residuals.predicted.max()))
    line = [residuals.intercept + residuals.slope * end for end in (low, high)]
    outliers = f"{residuals.outlier_share:.1%} of the rows are beyond 3 standard deviations"
    ends = [float(residuals.predicted.min()), float(residuals.predicted.max())]
    pictures = [
        draw_points(
            "Actual and predicted",
            {"rows": (residuals.predicted, residuals.actual)},
            x=Axis(label=f"predicted {target}"),
            y=Axis(label=f"actual {target}"),
            reference=([low, high], line),
            alternative=f"The best-fit line is actual = {residuals.intercept:.4g} + {residuals.slope:.4g} x predicted; "
            "a perfect model's is actual = predicted.",
        ),
        draw_points(
            "Standardised residuals",
            {"rows": (residuals.predicted, residuals.standardised)},
            x=Axis(label=f"predicted {target}"),
            y=Axis(label="residual", unit="standard deviations"),
            reference=([*ends, np.nan, *ends], [3.0, 3.0, np.nan, -3.0, -3.0]),
            alternative=f"Actual minus predicted, against the prediction: {outliers}.",
        ),
        draw_histogram(
            "Residuals",
            residuals.edges.tolist(),
            residuals.counts.tolist(),
            x=Axis(label=f"actual minus predicted {target}"),
            alternative=f"Half of the residuals are between {_quartile(residuals, 0.25):.4g} and "
            f"{_quartile(residuals, 0.75):.4g}.",
        ),
        draw_points(
            "Quantiles of residuals",
            {"quantiles": (residuals.normal, residuals.quantiles)},
            x=Axis(label="quantile of the normal distribution"),
            y=Axis(label="residual", unit="standard deviations"),
            reference=([-2.4, 2.4], [-2.4, 2.4]),
            alternative="On the dashed line residuals would be normally distributed; the 1 % and 99 % quantiles are "
            f"{residuals.quantiles[0]:.3g} and {residuals.quantiles[-1]:.3g} standard deviations, "
            "those of the normal distribution -2.33 and 2.33.",
        ),
    ]
    return Section(title="Residuals", blocks=[Paragraph(text=f"{outliers}."), Pictures(items=pictures)])


def _show_slices(quality: Quality) -> Section:
    unit = "Wrong" if quality.classes else "Mean absolute error"
    if not quality.slices:
        text = (
            f"{quality.tested} segments of single columns were compared with the other rows. On none of them is the "
            "model worse beyond what chance shows."
        )
        return Section(title="Where it is worst", blocks=[Paragraph(text=text)])
    text = (
        f"Of {quality.tested} segments of single columns, the model is worse on these than on the other rows, beyond "
        "what chance shows (5 % for all tests together, Holm's correction). First come those that cost most in all."
    )
    header = ["Column", "Segment", "Rows", f"{unit} inside", f"{unit} elsewhere", "p"]
    table = Table(
        header=header,
        rows=[
            [each.column, each.segment, each.rows, each.loss, each.other_loss, f"{max(each.p_value, 1e-99):.1g}"]
            for each in quality.slices
        ],
        shares=header[3:5] if quality.classes else (),
    )
    return Section(title="Where it is worst", blocks=[Paragraph(text=text), table])


def _explain_terms(quality: Quality) -> Iterator[str]:
    yield (
        "Standard deviation: of the metric over five random subsets of 80 % of the rows, as SageMaker has it; none for "
        "fewer than 200 rows."
    )
    yield "95 %: the confidence interval of the metric by the bootstrap, 200 resamples of the rows."
    if quality.classes:
        yield "Recall: the share of a label's rows that are predicted so."
        yield "Precision: the share of a label's predictions that are right."
        yield "F1 is the harmonic mean of precision and recall; F0.5 counts precision more, F2 recall."
        yield "Metrics that begin with weighted are means over the labels, by how frequent they are."
    if quality.curves:
        yield (
            "Gain: the share of all positive rows among those that are likeliest to be. Lift: how many times more "
            "frequent they are there than among all rows."
        )
    if quality.residuals:
        yield "R² is the share of the target's variance that the model explains: 1 is perfect, 0 as good as the mean."


def _place(name: str) -> int:
    """Return where a figure stands in the table: those that most people look for come first."""
    known = list(TITLES)
    name = name.removeprefix("weighted_")
    return known.index(name) if name in known else len(known)


def _title(name: str) -> str:
    weighted = name.removeprefix("weighted_")
    title = TITLES.get(weighted, weighted.replace("_", " "))
    return title if weighted == name else f"{title}, weighted"


def _quartile(residuals: Residuals, share: float) -> float:
    place = int(np.searchsorted(np.cumsum(residuals.counts), share * residuals.counts.sum()))
    return float(residuals.edges[min(place, len(residuals.edges) - 1)])


def _divide(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _percent(share: float) -> str:
    return "none" if share != share else f"{share:.0%}"
