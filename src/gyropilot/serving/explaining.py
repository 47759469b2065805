"""Why a model predicts what it does, row by row, for requests that ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gyropilot.engine.bundle.load import StagedPredictor
from gyropilot.engine.errors import RequestError
from gyropilot.engine.explain.game import Game, keep_base, name_labels
from gyropilot.engine.explain.shapley import explain
from gyropilot.engine.features.encoders import Cell
from gyropilot.serving.model import Model

MAX_ROWS = 200
"""A row is asked for in hundreds of variants: more rows than this are for the explainability report of a job."""


def explain_rows(model: Model, rows: Sequence[Sequence[Cell]]) -> list[dict[str, Any]]:
    """Return SHAP values of rows: by label what typical rows are given, and how far each column moves it from there.

    Probabilities are explained, of the positive class or of each class of more than two, or amounts.

    Raises:
        RequestError: when there are too many rows, the model is a stage, or it knows no typical rows.
    """
    if not isinstance(model, StagedPredictor):
        raise RequestError("Only a whole model explains its predictions; this container is a part of one.")
    if not model.baseline:
        raise RequestError("The model is of a version that cannot explain its predictions.")
    if len(rows) > MAX_ROWS:
        raise RequestError(f"Explanations are for at most {MAX_ROWS} rows of a request, not for {len(rows)}.")
    features = model.features
    base = msgspec.structs.replace(features, encoder=keep_base(features.encoder)).encode(rows)
    game = Game(features.encoder, model.run, len(model.classes), model.baseline)
    found = explain(game, base, name_labels(model.classes, model.target))
    return [
        {
            label: {
                "expected_value": expected,
                "shap_values": dict(zip(found.columns, values[:, place].tolist(), strict=True)),
            }
            for place, (label, expected) in enumerate(zip(found.labels, found.expected.tolist(), strict=True))
        }
        for values in found.values
    ]
