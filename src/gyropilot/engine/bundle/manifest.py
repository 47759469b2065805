"""The manifest of a bundle: everything about a model but its arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gyropilot.engine.errors import BundleError
from gyropilot.engine.features.documents import read_content, read_document, write_document
from gyropilot.engine.features.encoders import Cell
from gyropilot.engine.features.table_encoder import TableEncoder
from gyropilot.engine.task import LabelType, ProblemType

MANIFEST = "manifest.json"
ARRAYS = "encoder.npz"
PREDICTOR = "predictor.onnx"
SCHEMA_VERSION = 1
"""Counted up when older programs could no longer read a bundle rightly; members may be added without."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value for unseen rows."""

    metric: str
    value: float
    higher_is_better: bool


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from: enough to rebuild it."""

    gyropilot: str
    """Version that made it."""
    libraries: dict[str, str]
    """Versions of the libraries that trained it."""
    data: str
    """Digest of the training data."""
    rows: int
    """Rows it learned from."""
    seed: int
    """Where randomness began."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says of how its model came to be: all that a prediction does not need."""

    candidate: str
    algorithm: str
    parameters: dict[str, Any]
    pipeline: str = ""
    recipe: tuple[str, ...] = ()
    figures: tuple[Figure, ...]
    provenance: Provenance
    baseline: tuple[tuple[Cell, ...], ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle says of itself."""

    schema_version: int = SCHEMA_VERSION
    candidate: str
    """Its name within its run."""
    algorithm: str
    """Name in the catalogue, or `weighted-ensemble`."""
    parameters: dict[str, Any]
    """The settings that rebuild it."""
    pipeline: str = ""
    """Of a model of tuning, the name of its pipeline."""
    recipe: tuple[str, ...] = ()
    """And the steps of its recipe, in order."""
    problem_type: ProblemType
    target: str
    """The column it predicts."""
    target_position: int
    """Where that column stood among all of the training table."""
    classes: tuple[str, ...]
    """Labels in the order of the probabilities; empty for regression."""
    label_type: LabelType = LabelType.TEXT
    """What the labels were in the training data."""
    encoder: TableEncoder
    """How cells become numbers."""
    decision: tuple[float, ...] = ()
    """A factor for each class: the largest product with its probability wins. Empty: the most probable class."""
    weight_position: int | None = None
    """Where the weight column stood among all columns of the training table, if there was one."""
    weight_column: str = ""
    """The name of that column."""
    numbers_per_row: int = 0
    """How many numbers the graph keeps for a row at once, where they are many: how many rows it may be given."""
    figures: tuple[Figure, ...]
    """Its metrics for unseen rows, the objective first."""
    residual_quantiles: tuple[float | None, ...] = ()
    """For regression, how far answers of unseen rows lie from predictions: see `engine.metrics.intervals`."""
    provenance: Provenance
    baseline: tuple[tuple[Cell, ...], ...] = ()
    """Typical rows that explanations compare with, a cell for each of the encoder's encoders; no rows of the data."""


class _Head(msgspec.Struct):
    """What is read first."""

    schema_version: int = 0


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest of a bundle, and its encoder's arrays if it has any."""
    write_document(manifest, folder / MANIFEST, folder / ARRAYS)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle.

    Raises:
        BundleError: when there is none, or it is of a later schema, or its arrays are not there.
    """
    try:
        content = read_content(folder / MANIFEST)
        version = read_document(content, folder / ARRAYS, _Head).schema_version
        if not 1 <= version <= SCHEMA_VERSION:
            raise BundleError(f"The model has schema version {version}; this program reads up to {SCHEMA_VERSION}.")
        return read_document(content, folder / ARRAYS, Manifest)
    except FileNotFoundError as error:
        raise BundleError(f"There is no {Path(error.filename).name} in the model.") from None
    except (msgspec.MsgspecError, OSError, ValueError) as error:
        raise BundleError(f"The model's {MANIFEST} cannot be read: {error}") from error
