"""Explanations as SageMaker Clarify writes them: `analysis.json` and tables of values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from gyropilot.engine.explain.explanation import Explanation, WordEffects

VERSION = "1.0"


def write_analysis(explanation: Explanation, texts: Sequence[WordEffects] = ()) -> dict[str, Any]:
    """Return the document: for each label, the importance of columns, the expected value and what words do.

    Beyond Clarify's members it tells the labels' names, the method, standard errors and how many rows were explained.
    """
    labels = {}
    importance, error = explanation.importance, explanation.importance_error
    for place, name in enumerate(explanation.labels):
        labels[f"label{place}"] = {
            "label": name,
            "global_shap_values": dict(zip(explanation.columns, importance[:, place].tolist(), strict=True)),
            "global_shap_values_standard_error": dict(zip(explanation.columns, error[:, place].tolist(), strict=True)),
            "expected_value": float(explanation.expected[place]),
        }
        if texts:
            labels[f"label{place}"]["global_top_shap_text"] = {
                each.column: dict(zip(each.words, each.effects[:, place].tolist(), strict=True)) for each in texts
            }
    return {
        "version": VERSION,
        "explanations": {"kernel_shap": labels},
        "method": {
            "name": explanation.method,
            "rows": len(explanation.values),
            "rows_asked": explanation.asked,
            "local_standard_error": {
                name: dict(zip((f"label{n}" for n in range(len(explanation.labels))), errors, strict=True))
                for name, errors in zip(explanation.columns, explanation.standard_error.tolist(), strict=True)
            },
        },
    }


def write_values(explanation: Explanation) -> str:
    """Return the SHAP values of all rows as CSV: columns vary first, then labels."""
    header = [f"{column}_label{place}" for place in range(len(explanation.labels)) for column in explanation.columns]
    rows = explanation.values.transpose(0, 2, 1).reshape(len(explanation.values), -1)
    return _write_csv(header, ([f"{number:.9g}" for number in row] for row in rows.tolist()))


def write_baseline(columns: Sequence[str], baseline: Sequence[Sequence[Any]]) -> str:
    """Return the rows that others are compared with as CSV."""
    return _write_csv(columns, (["" if cell is None else cell for cell in row] for row in baseline))


def _write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
