"""Puts trained models where the job's owner asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gyropilot.engine.bundle.archive import pack
from gyropilot.engine.bundle.splitting import write_algorithm
from gyropilot.service.identity import Identity
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore
from gyropilot.service.records import Container
from gyropilot.service.tuning_names import name_fit, name_trial_folder

CLASSIFICATION_ENVIRONMENT = {
    "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
    "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
}
CSV = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
PROGRAM = {"SAGEMAKER_PROGRAM": "sagemaker_serve", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where AWS has a container's program: without effect here, but scripts look at it."""
FEATURES_ENVIRONMENT = {
    "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "0",
    "AUTOML_TRANSFORM_MODE": "feature-transform",
    **CSV,
    **PROGRAM,
}
ALGORITHM_ENVIRONMENT = {"MAX_CONTENT_LENGTH": "20971520", **CSV}
CLASSES_ENVIRONMENT = {
    **ALGORITHM_ENVIRONMENT,
    "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
    "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities",
}
LABELS_ENVIRONMENT = {
    "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
    "SAGEMAKER_INFERENCE_INPUT": "predicted_label",
    **CLASSIFICATION_ENVIRONMENT,
    **CSV,
    **PROGRAM,
}


@dataclass(frozen=True, kw_only=True)
class ModelShelf:
    """Where the models of one job go."""

    blobs: BlobStore
    """Keeps them."""
    identity: Identity
    """Whose image serves them."""
    job: str
    """The job's name."""
    place: Location
    """The job's folder below its output path."""
    scratch: Path
    """A folder for archives on their way."""

    def put(self, candidate: str, bundle: Path, *, is_classification: bool) -> Container:
        """Store a candidate's bundle and return the container that serves it."""
        place = self.place.child("sagemaker-automl-candidates", "model", candidate, "model.tar.gz")
        return Container(
            image=self.identity.ensembling_image,
            model_data_url=store_folder(bundle, place, self.blobs, self.scratch),
            environment=CLASSIFICATION_ENVIRONMENT if is_classification else {},
        )

    def put_pipeline(self, pipeline: str, folder: Path) -> Container:
        """Store the stages around the algorithms of a pipeline and return the container that serves the first."""
        store_folder(folder, self._place_of_pipeline(pipeline), self.blobs, self.scratch)
        return self._make_processor(pipeline)

    def put_trial(
        self, candidate: str, bundle: Path, pipeline: str, algorithm: str, *, is_classification: bool
    ) -> tuple[Container, ...]:
        """Store the algorithm of a trial, whose pipeline is stored, and return the containers that serve it."""
        group = name_trial_folder(self.job, pipeline, algorithm)
        place = self.place.child("tuning", group, candidate, "output", "model.tar.gz")
        trained = Container(
            image=self.identity.algorithm_image(algorithm),
            model_data_url=store_algorithm(bundle, place, self.blobs, self.scratch),
            environment=CLASSES_ENVIRONMENT if is_classification else ALGORITHM_ENVIRONMENT,
        )
        first = self._make_processor(pipeline)
        if not is_classification:
            return first, trained
        last = Container(image=first.image, model_data_url=first.model_data_url, environment=LABELS_ENVIRONMENT)
        return first, trained, last

    def _make_processor(self, pipeline: str) -> Container:
        return Container(
            image=self.identity.processor_image,
            model_data_url=str(self._place_of_pipeline(pipeline)),
            environment=FEATURES_ENVIRONMENT,
        )

    def _place_of_pipeline(self, pipeline: str) -> Location:
        return self.place.child("data-processor-models", name_fit(self.job, pipeline), "output", "model.tar.gz")


def store_folder(folder: Path, place: Location, blobs: BlobStore, scratch: Path) -> str:
    """Store the archive of a folder, which is made in another one, and return its address."""
    scratch.mkdir(parents=True, exist_ok=True)
    archive = scratch / "model.tar.gz"
    pack(folder, archive)
    with archive.open("rb") as content:
        blobs.put(place.bucket, place.key, content, BlobProperties(content_type="application/gzip"))
    archive.unlink()
    return str(place)


def store_algorithm(bundle: Path, place: Location, blobs: BlobStore, scratch: Path) -> str:
    """Store the archive of the algorithm within a bundle, and return its address."""
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch) as name:
        write_algorithm(bundle, Path(name))
        return store_folder(Path(name), place, blobs, scratch)
