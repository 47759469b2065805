"""Takes a model apart, into folders for containers that do one thing each, and puts it together again."""

from __future__ import annotations

from pathlib import Path

from gyropilot.engine.bundle.archive import unpacked
from gyropilot.engine.bundle.manifest import PREDICTOR, Manifest, read_manifest, write_manifest
from gyropilot.engine.bundle.running import read_graph
from gyropilot.engine.bundle.stages import (
    ALGORITHM,
    FEATURES,
    LABELS,
    AlgorithmFacts,
    FeatureStage,
    LabelStage,
    facts_of,
    features_of,
    labels_of,
    open_stages,
)
from gyropilot.engine.errors import BundleError
from gyropilot.engine.features.documents import write_document
from gyropilot.engine.files import write_file


def split_bundle(bundle: Path, folder: Path) -> tuple[Path, Path]:
    """Write the stages of a bundle below a folder: the first and last into one folder, the algorithm into another.

    Raises:
        BundleError: when it is no bundle.
    """
    manifest = read_manifest(bundle)
    processor, algorithm = folder / "processor", folder / ALGORITHM
    write_processor(features_of(manifest), labels_of(manifest), processor)
    write_algorithm(bundle, algorithm)
    return processor, algorithm


def write_algorithm(bundle: Path, folder: Path) -> None:
    """Write the stage of a bundle that predicts from numbers into a folder.

    Raises:
        BundleError: when it is no bundle.
    """
    manifest = read_manifest(bundle)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / PREDICTOR, read_graph(bundle))
    _write(facts_of(manifest), ALGORITHM, folder)


def write_processor(features: FeatureStage, labels: LabelStage | None, folder: Path) -> None:
    """Write the stages around an algorithm into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        _write(labels, LABELS, folder)
    _write(features, FEATURES, folder)


def join_stages(processor: Path, algorithm: Path, folder: Path) -> None:
    """Write the bundle that was split into two folders or archives: what `split_bundle` did is undone.

    Raises:
        BundleError: when they are not the stages around an algorithm and an algorithm, or of different models.
    """
    around, within = open_stages(processor), open_stages(algorithm)
    if around.features is None or within.algorithm is None:
        raise BundleError("The archives are not those of features and labels, and of an algorithm, in this order.")
    if around.features.width != within.algorithm.width:
        raise BundleError(
            f"The features are {around.features.width} numbers a row; the algorithm takes {within.algorithm.width}."
        )
    facts, labels = within.algorithm.facts, around.labels
    known = {
        name: getattr(part, name)
        for part in (around.features, facts, facts.origin, *([labels] if labels else []))
        for name in part.__struct_fields__
        if name in Manifest.__struct_fields__
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(Manifest(**{"classes": (), **known}), folder)
    with unpacked(algorithm) as opened:
        write_file(folder / PREDICTOR, read_graph(opened))


def _write(stage: FeatureStage | AlgorithmFacts | LabelStage, name: str, folder: Path) -> None:
    write_document(stage, folder / f"{name}.json", folder / f"{name}.npz")
