"""The rows of a table that are looked at, and what is known of the whole: kept by a run as soon as its data is read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.feather

from gyropilot.engine.data.columns import ColumnProfile
from gyropilot.engine.events import Finding
from gyropilot.engine.files import write_file, writing
from gyropilot.engine.task import ColumnKind, ProblemType

SAMPLE_ROWS = 50_000
"""Tables of more rows are looked at by so many of them, drawn at random."""
SAMPLE_CELLS = 10_000_000
"""Wide tables are looked at by fewer rows: so many cells are enough."""
TABLE, FACTS = "table.arrow", "facts.json"


class ColumnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a feature column of the whole table."""

    name: str
    kind: ColumnKind
    date_format: str
    left_out: str
    """Why it is not learned from; empty: it is."""
    missing: int
    """Cells that are empty, of the rows that are learned from."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the whole table."""

    rows: int
    """All rows that were read."""
    learned_rows: int
    """Rows that are learned from."""
    target: str
    weight_column: str
    problem_type: ProblemType
    classes: tuple[str, ...]
    missing_targets: int
    """Rows whose target is empty."""
    repeated_rows: int
    """Rows equal to an earlier one in all that is learned from, and in the answer."""
    columns: tuple[ColumnFacts, ...]
    """The features, in the order of the table."""
    findings: tuple[Finding, ...]
    """What the engine tells of the data."""
    seed: int
    """Where randomness starts."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table, as read, and what is known of the whole."""

    table: pa.Table
    """Text (`string`) or numbers (`double`), the target among them."""
    facts: Facts
    """Of the whole table."""

    @property
    def is_whole(self) -> bool:
        """Whether it holds all rows."""
        return bool(self.table.num_rows == self.facts.rows)


def take_rows(table: pa.Table, seed: int) -> pa.Table:
    """Return the rows of a table that are to be looked at, in their order."""
    rows = min(SAMPLE_ROWS, max(1_000, SAMPLE_CELLS // max(1, table.num_columns)))
    if table.num_rows <= rows:
        return table
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[np.random.default_rng(seed).choice(table.num_rows, rows, replace=False)] = True
    return table.filter(pa.array(mask))


def describe_columns(table: pa.Table, profiles: list[ColumnProfile]) -> tuple[ColumnFacts, ...]:
    """Return what is known of the feature columns of a whole table."""
    return tuple(
        ColumnFacts(
            name=profile.name,
            kind=profile.kind,
            date_format=profile.date_format,
            left_out=profile.left_out,
            missing=table.column(profile.name).null_count,
        )
        for profile in profiles
    )


def write_sample(sample: Sample, folder: Path) -> None:
    """Keep a sample in a folder; the facts come last, so that a folder with facts is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder / TABLE) as partial:
        pa.feather.write_feather(sample.table, partial, compression="lz4")
    write_file(folder / FACTS, msgspec.json.encode(sample.facts))


def read_sample(folder: Path) -> Sample:
    """Return the sample that a run kept.

    Raises:
        OSError: when there is none.
    """
    facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=Facts)
    return Sample(table=pa.feather.read_table(folder / TABLE), facts=facts)
