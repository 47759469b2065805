"""Where the reports of a job lie."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore
from gyropilot.service.records import TUNING, AutoMLJob
from gyropilot.service.tuning_names import name_recommendation

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html; charset=utf-8",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".pdf": "application/pdf",
}


@dataclass(frozen=True, kw_only=True)
class ReportShelf:
    """Keeps the reports of one job below its output path."""

    blobs: BlobStore
    """Keeps them."""
    job: AutoMLJob
    """Whose they are."""

    def put(self, place: Location, content: bytes) -> str:
        """Store a file under the media type of its name, and return its address."""
        properties = BlobProperties(content_type=MEDIA_TYPES[Path(place.key).suffix])
        self.blobs.put(place.bucket, place.key, io.BytesIO(content), properties)
        return str(place)

    @property
    def documentation(self) -> Location:
        """The folder of pages that people read."""
        return self._folder.child("documentation")

    @property
    def notebooks(self) -> Location:
        """The folder of the job's notebooks, which depends on its mode as with AWS."""
        parts = [name_recommendation(self.job.name)] if self.job.problem.mode == TUNING else []
        return self._folder.child("sagemaker-automl-candidates", *parts, "notebooks")

    @property
    def _folder(self) -> Location:
        return Location.parse(self.job.problem.output_uri).child(self.job.name)
