"""Every step of a recipe by its name, and what fits a recipe to a table.

Steps of cells say which columns a recipe has: without them it has numbers alone, and categories only when a step says
what becomes of them. Steps of numbers follow, each fitted to what those before it made of the rows that are learned
from. No step sees the answers but `interactions`.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.errors import TaskError
from gyropilot.engine.features.derivations import Arithmetic, Derivation
from gyropilot.engine.features.encoders import (
    CategoricalEncoder,
    DatetimeEncoder,
    Encoder,
    NumericEncoder,
    SequenceEncoder,
    TextEncoder,
)
from gyropilot.engine.features.interactions import find_interactions
from gyropilot.engine.features.recipes.categories import Ordinal, ThresholdOneHot
from gyropilot.engine.features.recipes.components import RobustPCA
from gyropilot.engine.features.recipes.missing import MissingIndicators, RobustImputer
from gyropilot.engine.features.recipes.scaling import ExtremeValues, RobustScaler
from gyropilot.engine.features.recipes.steps import Step
from gyropilot.engine.features.table_encoder import TableEncoder

DATES, TEXTS, SEQUENCES, INTERACTIONS = "date-parts", "text-tfidf", "sequence-summaries", "interactions"
MARK_MISSING, IMPUTE, ONE_HOT, ORDINAL = "missing-indicators", "robust-impute", "one-hot", "ordinal"
EXTREMES, SCALE, COMPONENTS = "extreme-values", "robust-scale", "robust-pca"

CELL_STEPS: dict[str, str] = {
    DATES: "days, parts of dates, where they stand in the year, the week and the day, and the days between them",
    TEXTS: "measures of texts, and their TF-IDF in the directions in which they differ most",
    SEQUENCES: "statistics of sequences of numbers",
    INTERACTIONS: "sums, differences, products and quotients of two amounts that explain what neither does alone",
}
"""Steps that say what becomes of cells, and what they do."""
NUMBER_STEPS: dict[str, type[Step]] = {
    MARK_MISSING: MissingIndicators,
    IMPUTE: RobustImputer,
    ONE_HOT: ThresholdOneHot,
    ORDINAL: Ordinal,
    EXTREMES: ExtremeValues,
    SCALE: RobustScaler,
    COMPONENTS: RobustPCA,
}
"""Steps that work on the numbers that cells became."""
STEPS = (*CELL_STEPS, *NUMBER_STEPS)

_KINDS: dict[str, type[Encoder]] = {DATES: DatetimeEncoder, TEXTS: TextEncoder, SEQUENCES: SequenceEncoder}
Matrix = NDArray[np.float32]


def check_recipe(recipe: Sequence[str]) -> None:
    """Refuse a recipe that cannot be followed.

    Raises:
        TaskError: when it has steps that do not exist, or twice, or steps of cells after those of numbers.
    """
    unknown = [step for step in recipe if step not in STEPS]
    if unknown:
        raise TaskError(f"There is no step {unknown[0]!r} of a recipe; there are {', '.join(STEPS)}.")
    if len(set(recipe)) < len(recipe):
        raise TaskError(f"A recipe has each step once: {', '.join(recipe)}.")
    if ONE_HOT in recipe and ORDINAL in recipe:
        raise TaskError(f"A recipe has {ONE_HOT!r} or {ORDINAL!r}, not both.")
    is_number_step = [step in NUMBER_STEPS for step in recipe]
    if is_number_step != sorted(is_number_step):
        raise TaskError(f"Steps of cells ({', '.join(CELL_STEPS)}) come before all others: {', '.join(recipe)}.")


def describe_step(name: str) -> str:
    """Return in a sentence what a step does, for people who choose steps: of a class, what its docstring says first."""
    if name in CELL_STEPS:
        return f"Gives {CELL_STEPS[name]}."
    return inspect.cleandoc(NUMBER_STEPS[name].__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def fit_recipe(
    encoder: TableEncoder, recipe: Sequence[str], matrix: Matrix, answers: NDArray[np.float64], *, seed: int = 0
) -> TableEncoder:
    """Return the encoder of a recipe: which cells it reads, and every step fitted to these rows.

    Args:
        encoder: of all columns, without steps.
        recipe: the steps' names.
        matrix: (n, features) rows that are learned from, as that encoder makes them.
        answers: (n, k) amounts, or marks of classes: what `interactions` are to explain.
        seed: which of many rows are looked at for interactions.

    Raises:
        TaskError: when the recipe cannot be followed, or leaves no column.
    """
    check_recipe(recipe)
    chosen = choose_cells(encoder, recipe)
    matrix = chosen.derive(_take_base(encoder, chosen, matrix))
    if INTERACTIONS in recipe:
        found = find_combinations(chosen, matrix, answers, seed=seed)
        chosen = msgspec.structs.replace(chosen, derivations=(*chosen.derivations, *found))
        matrix = chosen.derive(matrix[:, : len(chosen.base_features)])
    for name in recipe:
        fitted = NUMBER_STEPS[name].fit(matrix, chosen.features) if name in NUMBER_STEPS else None
        if fitted is not None:
            chosen = msgspec.structs.replace(chosen, steps=(*chosen.steps, fitted))
            matrix = fitted.apply(matrix)
    return chosen


def transform(encoder: TableEncoder, chosen: TableEncoder, matrix: Matrix) -> Matrix:
    """Return rows as a recipe makes them (n, its features) from rows as the whole encoder makes them (n, features)."""
    return chosen.derive(_take_base(encoder, chosen, matrix))


def _take_base(encoder: TableEncoder, chosen: TableEncoder, matrix: Matrix) -> Matrix:
    """Return the base columns that a recipe begins with; told by their names."""
    places = {feature.name: place for place, feature in enumerate(encoder.base_features)}
    return np.asarray(matrix)[:, [places[feature.name] for feature in chosen.base_features]]


def choose_cells(encoder: TableEncoder, recipe: Sequence[str]) -> TableEncoder:
    """Return the encoder of those columns that a recipe reads.

    Raises:
        TaskError: when it reads none.
    """
    kinds: list[type[Encoder]] = [NumericEncoder, *(kind for step, kind in _KINDS.items() if step in recipe)]
    if ONE_HOT in recipe or ORDINAL in recipe:
        kinds.append(CategoricalEncoder)
    kept = tuple(each for each in encoder.encoders if isinstance(each, tuple(kinds)))
    if not kept:
        raise TaskError(f"The recipe leaves no column to learn from: {', '.join(recipe) or 'it has no step'}.")
    chosen = msgspec.structs.replace(encoder, encoders=kept, derivations=(), steps=())
    places = {feature.name: place for place, feature in enumerate(chosen.base_features)}
    moved = {
        place: places[feature.name] for place, feature in enumerate(encoder.base_features) if feature.name in places
    }
    derivations = [_move(each, moved) for each in encoder.derivations if set(each.reads) <= moved.keys()]
    return msgspec.structs.replace(chosen, derivations=tuple(derivations))


def _move(derivation: Derivation, moved: dict[int, int]) -> Derivation:
    """Return a derivation that reads the same columns at other places."""
    changes: dict[str, object] = {}
    for name in ("left", "right", "column", "minuend"):
        place = getattr(derivation, name, None)
        if place is not None:
            changes[name] = moved[place]
    if hasattr(derivation, "columns"):
        changes["columns"] = tuple(moved[place] for place in derivation.columns)
    return msgspec.structs.replace(derivation, **changes)


def find_combinations(
    encoder: TableEncoder, matrix: Matrix, answers: NDArray[np.float64], *, seed: int = 0
) -> list[Arithmetic]:
    """Return the combinations of numbers and parts of dates that explain what neither does alone.

    Components of texts and statistics of sequences are combinations already.
    """
    plain = {
        name for each in encoder.encoders if isinstance(each, NumericEncoder | DatetimeEncoder) for name in each.outputs
    }
    names = [feature.name for feature in encoder.base_features]
    amounts = [place for place, name in enumerate(names) if name in plain]
    return find_interactions(matrix, names, amounts, answers, seed=seed)
