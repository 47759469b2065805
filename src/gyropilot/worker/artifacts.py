"""Puts trained models where the job's owner asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyropilot.engine.bundle.archive import pack
from gyropilot.service.identity import Identity
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore
from gyropilot.service.records import Container

CLASSIFICATION_ENVIRONMENT = {
    "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
    "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
}


@dataclass(frozen=True, kw_only=True)
class ModelShelf:
    """Where the models of one job go."""

    blobs: BlobStore
    """Keeps them."""
    identity: Identity
    """Whose image serves them."""
    place: Location
    """The job's folder below its output path."""
    scratch: Path
    """A folder for archives on their way."""

    def put(self, candidate: str, bundle: Path, *, is_classification: bool) -> Container:
        """Store a candidate's bundle and return the container that serves it."""
        place = self.place.child("sagemaker-automl-candidates", "model", candidate, "model.tar.gz")
        self.scratch.mkdir(parents=True, exist_ok=True)
        archive = self.scratch / f"{candidate}.tar.gz"
        pack(bundle, archive)
        with archive.open("rb") as content:
            self.blobs.put(place.bucket, place.key, content, BlobProperties(content_type="application/gzip"))
        archive.unlink()
        return Container(
            image=self.identity.ensembling_image,
            model_data_url=str(place),
            environment=CLASSIFICATION_ENVIRONMENT if is_classification else {},
        )
