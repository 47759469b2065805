"""Writes bundles, and refuses a predictor that does not repeat what its training libraries say."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.graph import Member, build_graph, count_numbers
from gyropilot.engine.bundle.load import Predictor, load
from gyropilot.engine.bundle.manifest import PREDICTOR, Manifest, write_manifest
from gyropilot.engine.errors import BundleError
from gyropilot.engine.files import writing

TOLERANCE = 1e-5
"""Largest difference allowed: of probabilities, or of amounts in units of the check rows' largest amount."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Rows and what the training libraries predict for them."""

    features: NDArray[np.float32]
    """(n, features) encoded rows, missing numbers and unseen categories among them."""
    expected: NDArray[np.float64]
    """(n, classes) probabilities or (n,) amounts."""


def write_bundle(
    manifest: Manifest, members: Sequence[Member], check: Check, folder: Path, *, exponent: float = 1.0
) -> Predictor:
    """Write a bundle and return its predictor; the folder appears whole or not at all.

    Args:
        manifest: what is said of the model.
        members: the candidates that it is the weighted mean of.
        check: what it must predict.
        folder: where to.
        exponent: the power that its probabilities are raised to.

    Raises:
        BundleError: when the predictor differs from the libraries by more than the tolerance.
    """
    manifest = msgspec.structs.replace(manifest, numbers_per_row=count_numbers(members))
    graph = build_graph(members, manifest.problem_type, check.features.shape[1], exponent=exponent)
    with writing(folder) as partial:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / PREDICTOR).write_bytes(graph.SerializeToString(deterministic=True))
        write_manifest(manifest, partial)
        predictor = load(partial)
        _check_parity(predictor, check)
        shutil.rmtree(folder, ignore_errors=True)
    return predictor


def _check_parity(predictor: Predictor, check: Check) -> None:
    given = predictor.run(check.features).astype(np.float64)
    expected = check.expected.reshape(len(given), -1)
    unit = 1.0 if predictor.classes else max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(given - expected).max()) / unit
    if not difference <= TOLERANCE:
        raise BundleError(
            f"The exported predictor differs from its training library by {difference:.2g}; "
            f"at most {TOLERANCE:g} is allowed."
        )
