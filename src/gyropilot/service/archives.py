"""The archives of a model on this machine, for whoever predicts with it, and the containers that it has them from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gyropilot.service.errors import BlobNotFoundError, BucketNotFoundError
from gyropilot.service.identity import is_algorithm_image, is_ensembling_image, is_processor_image
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobStore
from gyropilot.service.records import Container

CHUNK_BYTES = 1 << 20

OUTPUT, INPUT, SUPPORTED = (
    "SAGEMAKER_INFERENCE_OUTPUT",
    "SAGEMAKER_INFERENCE_INPUT",
    "SAGEMAKER_INFERENCE_SUPPORTED",
)
ACCEPT, MAX_BYTES = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "MAX_CONTENT_LENGTH"
DEFAULT_KEYS = "predicted_label"
"""What a container emits, or receives, that does not say."""


class UnservableError(Exception):
    """A model cannot be served as it is described; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What the containers of a model come to: one program serves all of them."""

    archives: tuple[str, ...]
    """`s3://` locations, in the order of the containers."""
    environment: Mapping[str, str]
    """What the program is told."""


def fuse_containers(containers: Sequence[Container]) -> ServedModel:
    """Return how a model's containers are served: one of Gyropilot's, or the stages of a candidate of tuning in series.

    Raises:
        UnservableError: when they are others, or what one passes on is not what the next one takes.
    """
    for container in containers:
        image = container.image
        if not (is_ensembling_image(image) or is_processor_image(image) or is_algorithm_image(image)):
            raise UnservableError(
                f"The image {image} is not one of Gyropilot's; use a candidate's InferenceContainers."
            )
    archives = tuple(container.model_data_url for container in containers)
    if len(containers) == 1:
        return ServedModel(archives=archives, environment=containers[0].environment)
    _check_order(containers)
    return ServedModel(archives=archives, environment=_fuse_environments([each.environment for each in containers]))


def fetch_archives(model: ServedModel, blobs: BlobStore, folder: Path) -> tuple[Path, ...]:
    """Copy a model's archives into a folder, each whole or not at all, and return where they lie, in their order.

    Raises:
        UnservableError: when one is not there.
    """
    places: dict[str, Path] = {}
    for url in model.archives:
        if url not in places:
            name = f"model-{len(places) + 1}.tar.gz" if places else "model.tar.gz"
            places[url] = _fetch(url, blobs, folder / name)
    return tuple(places[url] for url in model.archives)


def _check_order(containers: Sequence[Container]) -> None:
    images = [container.image for container in containers]
    tests = (is_processor_image, is_algorithm_image, is_processor_image)
    if not 2 <= len(images) <= len(tests) or not all(test(image) for test, image in zip(tests, images, strict=False)):
        raise UnservableError(
            f"Models of {len(containers)} containers are served when these are a candidate's, all in their order."
        )


def _fuse_environments(environments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the environment that makes the stages of a model, as one program, answer what they answer in series."""
    algorithm, last = environments[1], environments[-1]
    fused = {name: last[name] for name in (OUTPUT, SUPPORTED, ACCEPT) if name in last}
    sizes = [each[MAX_BYTES] for each in environments if MAX_BYTES in each]
    if sizes:
        fused[MAX_BYTES] = sizes[0]
    if len(environments) > 2:  # the third one knows the labels, and what the second one passes on
        passed, taken = _read_keys(algorithm.get(OUTPUT, "")), _read_keys(last.get(INPUT, ""))
        if passed != taken:
            raise UnservableError(
                f"The second container passes on [{', '.join(passed)}] ({OUTPUT}), but the third one takes "
                f"[{', '.join(taken)}] ({INPUT}); both must be the same."
            )
        able = {*_read_keys(last[SUPPORTED])} if SUPPORTED in last else {*passed, "labels"}
        fused[SUPPORTED] = ",".join(key for key in (*passed, "labels") if key in able)
    return fused


def _read_keys(text: str) -> tuple[str, ...]:
    return tuple(key for part in (text or DEFAULT_KEYS).split(",") if (key := part.strip().lower()))


def _fetch(url: str, blobs: BlobStore, archive: Path) -> Path:
    place = Location.parse(url)
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(f"{archive.name}.partial")
    try:
        with blobs.open(place.bucket, place.key) as (_, content), partial.open("wb") as file:
            shutil.copyfileobj(content, file, CHUNK_BYTES)
    except (BucketNotFoundError, BlobNotFoundError):
        raise UnservableError(f"Could not find model data at {url}.") from None
    return partial.replace(archive)
