"""The prepared table as memory-mapped files, which the lanes share."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.contracts import HOLDOUT, TrainingData
from gyropilot.engine.files import write_file
from gyropilot.engine.task import ProblemType

HEAD = "data.json"
FEWEST_SCORED = 20_000
"""A share of a table is scored on so many rows at least."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    problem_type: ProblemType
    class_count: int
    levels: tuple[int, ...]
    column_folds: tuple[int, ...] = ()
    border_counts: tuple[int, ...]


def write_training_data(data: TrainingData, folder: Path) -> None:
    """Store the table in a folder; the head is written last, so that a folder with a head is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("features", "codes"):
        np.save(folder / f"{name}.npy", getattr(data, name), allow_pickle=False)
    write_head(data, folder)


def write_head(data: TrainingData, folder: Path) -> None:
    """Store what a table has besides its matrices, which are there already."""
    for name in ("target", "weights", "folds"):
        np.save(folder / f"{name}.npy", getattr(data, name), allow_pickle=False)
    cuts = np.concatenate([np.empty(0, dtype=np.float32), *data.borders])
    np.save(folder / "borders.npy", cuts, allow_pickle=False)
    head = _Head(
        problem_type=data.problem_type,
        class_count=data.class_count,
        levels=data.levels,
        column_folds=data.column_folds,
        border_counts=tuple(len(each) for each in data.borders),
    )
    write_file(folder / HEAD, msgspec.json.encode(head))


def read_training_data(folder: Path) -> TrainingData:
    """Open a stored table; its matrices are mapped, not read."""
    head = msgspec.json.decode((folder / HEAD).read_bytes(), type=_Head)

    def open_array(name: str) -> NDArray[np.generic]:
        array: NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    cuts = np.cumsum([0, *head.border_counts])
    borders = open_array("borders")
    return TrainingData(
        problem_type=head.problem_type,
        class_count=head.class_count,
        features=open_array("features"),  # type: ignore[arg-type]  # written with this type
        codes=open_array("codes"),  # type: ignore[arg-type]
        borders=[np.asarray(borders[first:last]) for first, last in itertools.pairwise(cuts)],
        levels=head.levels,
        column_folds=head.column_folds,
        target=open_array("target"),  # type: ignore[arg-type]
        weights=open_array("weights"),  # type: ignore[arg-type]
        folds=open_array("folds"),  # type: ignore[arg-type]
    )


def deal_anew(folder: Path, other: Path, folds: NDArray[np.uint8]) -> None:
    """Store the table of a folder in another one, with other folds; the matrices are there only once."""
    other.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        link = other / path.name
        if path.name not in {"folds.npy", HEAD} and not link.is_symlink():
            link.symlink_to(path.resolve())
    np.save(other / "folds.npy", folds, allow_pickle=False)
    write_file(other / HEAD, (folder / HEAD).read_bytes())


def take_share(data: TrainingData, share: float) -> TrainingData:
    """Return a table of which only a share of the training rows is learned from, and of fold 0 no more rows are scored.

    A smaller share is a part of a larger one.
    """
    folds = np.array(data.folds)
    trained = _shuffle(data.training_rows(0))
    learned = round(share * len(trained))
    folds[trained[learned:]] = HOLDOUT
    folds[_shuffle(data.validation_rows(0))[max(learned, FEWEST_SCORED) :]] = HOLDOUT
    return replace(data, folds=folds, cache={})


def _shuffle(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.random.default_rng(0).permutation(len(rows))]
