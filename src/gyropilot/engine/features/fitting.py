"""Fits the encoders to a table and encodes it, column by column. Nothing here sees the target."""

from __future__ import annotations

import itertools
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gyropilot.engine.data.columns import ColumnProfile, parse_numbers
from gyropilot.engine.data.dates import parse_date
from gyropilot.engine.features.derivations import Arithmetic, Cyclic, Derivation
from gyropilot.engine.features.encoders import (
    MEASURES,
    CategoricalEncoder,
    DatetimeEncoder,
    Encoder,
    NumericEncoder,
    SequenceEncoder,
    TextEncoder,
    spell,
)
from gyropilot.engine.features.table_encoder import TableEncoder, encode_distinct
from gyropilot.engine.task import ColumnKind

RAREST = 3
"""Categories of fewer rows than this are taken together with those never seen."""
MAX_CATEGORIES = 10_000
MAX_DATE_PAIRS = 10
MAX_CYCLIC_DATES = 5
PERIODS = {"month": 12.0, "weekday": 7.0, "hour": 24.0}
"""Parts of dates that begin again after so many steps."""
_TURNS: tuple[Literal["sin", "cos"], ...] = ("sin", "cos")


def fit_table_encoder(table: pa.Table, profiles: list[ColumnProfile]) -> TableEncoder:
    """Return the encoders of the columns that are learned from, and what follows from dates."""
    learned = [profile for profile in profiles if not profile.left_out]
    texts = sum(profile.kind is ColumnKind.TEXT for profile in learned)
    encoder = TableEncoder(
        columns=tuple(profile.name for profile in profiles),
        encoders=tuple(fit_encoder(each, table.column(each.name), 1 / max(texts, 1)) for each in learned),
    )
    return msgspec.structs.replace(encoder, derivations=derive_from_dates(encoder))


def derive_from_dates(encoder: TableEncoder) -> tuple[Derivation, ...]:
    """Return the days between every two dates, and where dates stand in the year, the week and the day."""
    place = {feature.name: number for number, feature in enumerate(encoder.base_features)}
    dates = [each for each in encoder.encoders if isinstance(each, DatetimeEncoder)]
    between = [
        Arithmetic(
            name=f"{first.name} - {second.name}: days",
            operator="subtract",
            left=place[f"{first.name}: days"],
            right=place[f"{second.name}: days"],
        )
        for first, second in itertools.combinations(dates, 2)
    ]
    around = [
        Cyclic(name=f"{output}, {function}", column=place[output], period=period, function=function)
        for date in dates[:MAX_CYCLIC_DATES]
        for output in date.outputs
        for part, period in PERIODS.items()
        if output == f"{date.name}: {part}"
        for function in _TURNS
    ]
    return (*between[:MAX_DATE_PAIRS], *around)


def fit_encoder(profile: ColumnProfile, column: pa.ChunkedArray, text_share: float = 1.0) -> Encoder:
    """Return the encoder of one column; of several columns of text, each has its share of the usual components."""
    if profile.kind is ColumnKind.NUMERIC:
        return NumericEncoder(name=profile.name, is_decorated=profile.is_decorated)
    if profile.kind is ColumnKind.TEXT:
        return _fit_text(profile.name, column, text_share)
    if profile.kind is ColumnKind.SEQUENCE:
        return SequenceEncoder(name=profile.name)
    if profile.kind is ColumnKind.DATETIME:
        cells = (parse_date(spell(cell), profile.date_format) for cell in pc.unique(column.drop_null()).to_pylist())
        has_time = any(moment.hour or moment.minute for moment in cells if moment is not None)
        return DatetimeEncoder(name=profile.name, date_format=profile.date_format, has_time=has_time)
    return CategoricalEncoder(name=profile.name, categories=_frequent_categories(column))


def _fit_text(name: str, column: pa.ChunkedArray, share: float) -> TextEncoder:
    from gyropilot.engine.features.text_fitting import fit_text_spaces  # needs scipy, which takes a while to import

    words, letters = fit_text_spaces([spell(cell) for cell in column.drop_null().to_pylist()], share)
    return TextEncoder(name=name, measures=tuple(MEASURES), words=words, letters=letters)


def encode_table(encoder: TableEncoder, table: pa.Table) -> NDArray[np.float32]:
    """Return the whole table as an (n, features) matrix, by the encoders that serving uses."""
    parts = [_encode_column(each, table.column(each.name)) for each in encoder.encoders]
    if not parts:
        return np.empty((table.num_rows, 0), dtype=np.float32)
    return encoder.derive(np.concatenate(parts, axis=1))


def _encode_column(encoder: Encoder, column: pa.ChunkedArray) -> NDArray[np.float32]:
    if isinstance(encoder, NumericEncoder):
        numbers = parse_numbers(column)
        if numbers is not None:
            # Arrow reads a column of numbers at once; the encoder itself would read cell by cell.
            return encoder.limit(numbers.to_numpy())
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    distinct = encode_distinct(encoder, encoded.dictionary.to_pylist())
    result: NDArray[np.float32] = distinct[encoded.indices.to_numpy()]
    return result


def _frequent_categories(column: pa.ChunkedArray) -> tuple[str, ...]:
    counts = pc.value_counts(column.drop_null())
    cells, numbers = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
    ranked = sorted(zip(cells, numbers, strict=True), key=lambda pair: (-pair[1], str(pair[0])))
    kept = [spell(cell) for cell, number in ranked if number >= RAREST]
    return tuple(kept[:MAX_CATEGORIES])
