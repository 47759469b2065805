"""Requests to endpoints and their answers, kept in files of JSON lines for whoever monitors a model."""

from __future__ import annotations

import base64
import io
import json
import logging
import random
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gyropilot.service.endpoints import name_log_group
from gyropilot.service.errors import ServiceError
from gyropilot.service.invocations import Exchange
from gyropilot.service.locations import Location
from gyropilot.service.ports import BlobProperties, BlobStore, Clock, LogLine, LogStore
from gyropilot.service.records import Capture

log = logging.getLogger(__name__)

FILE_SECONDS = 30.0
"""How long what was captured waits for more to come into the same file."""
FILE_BYTES = 4 << 20
"""Bodies of so many bytes are a file."""
MAX_BYTES = 128 << 20
"""Bodies that may wait in memory, of all endpoints."""
LOOK_SECONDS = 1.0
JSON_LINES = BlobProperties(content_type="application/jsonlines")


@dataclass(frozen=True)
class _Folder:
    """Where the files of a variant's hour go."""

    endpoint: str
    variant: str
    destination: str
    hour: datetime


@dataclass(kw_only=True)
class _File:
    """What is to be one file."""

    began_at: datetime
    exchanges: list[tuple[datetime, Exchange, Capture]] = field(default_factory=list)
    size: int = 0


class DataCapture:
    """Writes down a share of the requests that endpoints answered, from a thread of its own: requests do not wait.

    A file appears whole or not at all. What a killed server had not written yet, `FILE_SECONDS` at most, is lost.

    Args:
        blobs: where the files go.
        clock: gives the time.
        logs: where an endpoint's log tells what could not be written.
    """

    def __init__(self, *, blobs: BlobStore, clock: Clock, logs: LogStore) -> None:
        self._blobs = blobs
        self._logs = logs
        self._clock = clock
        self._dice = random.Random(0)  # noqa: S311  # draws a sample, keeps no secret
        self._lock = threading.Lock()
        self._files: dict[_Folder, _File] = {}
        self._size = 0
        self._dropped = 0
        self._full = threading.Event()

    def note(self, exchange: Exchange) -> None:
        """Keep an answered request if its endpoint captures data and the lot falls on it."""
        capture, answer = exchange.endpoint.capture, exchange.answer
        if capture is None or not capture.is_enabled or answer is None or answer.status >= 400:  # HTTP: an error
            return
        if self._dice.random() * 100 >= capture.percentage:
            return
        now = self._clock().astimezone(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        folder = _Folder(exchange.endpoint.name, exchange.variant, capture.destination, hour)
        size = len(exchange.invocation.body) + len(answer.body)
        with self._lock:
            if self._size + size > MAX_BYTES:
                self._dropped += 1
                return
            file = self._files.setdefault(folder, _File(began_at=now))
            file.exchanges.append((now, exchange, capture))
            file.size += size
            self._size += size
        if file.size >= FILE_BYTES:
            self._full.set()

    def run(self, stopped: threading.Event) -> None:
        """Write files until told to stop, and then what is left."""
        while not stopped.is_set():
            self._full.wait(LOOK_SECONDS)
            self._full.clear()
            self.write()
        self.write(everything=True)

    def wake(self) -> None:
        """Let `run` look at once."""
        self._full.set()

    def write(self, *, everything: bool = False) -> None:
        """Write the files that are long or old enough, or all of them; one that cannot be written is tried again."""
        with self._lock:
            now = self._clock()
            due = {
                folder: file
                for folder, file in self._files.items()
                if everything or file.size >= FILE_BYTES or now - file.began_at >= timedelta(seconds=FILE_SECONDS)
            }
            for folder in due:
                del self._files[folder]
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("%d requests were not captured: %d bytes wait to be written already", dropped, MAX_BYTES)
        for folder, file in due.items():
            self._write_file(folder, file)

    def _write_file(self, folder: _Folder, file: _File) -> None:
        body = b"".join(_write_line(*each) for each in file.exchanges)
        at = file.began_at
        name = f"{at:%M-%S}-{at.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        place = Location.parse(folder.destination).child(
            folder.endpoint, folder.variant, f"{folder.hour:%Y/%m/%d/%H}", name
        )
        try:
            self._blobs.put(place.bucket, place.key, io.BytesIO(body), JSON_LINES)
        except (ServiceError, OSError) as error:
            self._keep(folder, file)
            words = f"{len(file.exchanges)} captured requests could not be written to {place}: {error}"
            line = LogLine(at=self._clock(), message=words)
            self._logs.append(name_log_group(folder.endpoint), f"{folder.variant}/data-capture", [line])
        else:
            with self._lock:
                self._size -= file.size

    def _keep(self, folder: _Folder, file: _File) -> None:
        """Put back what could not be written, to be tried again when a new file would be."""
        with self._lock:
            newer = self._files.get(folder, _File(began_at=self._clock()))
            self._files[folder] = _File(
                began_at=self._clock(), exchanges=file.exchanges + newer.exchanges, size=file.size + newer.size
            )


def _write_line(at: datetime, exchange: Exchange, capture: Capture) -> bytes:
    invocation, answer = exchange.invocation, exchange.answer
    data: dict[str, Any] = {}
    if capture.captures_input:
        content_type = invocation.headers.get("content-type", "")
        data["endpointInput"] = _describe(invocation.body, content_type, "INPUT", capture)
    if capture.captures_output and answer is not None:
        data["endpointOutput"] = _describe(answer.body, answer.headers.get("content-type", ""), "OUTPUT", capture)
    event = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    more: dict[str, Any] = {}
    if attributes := invocation.headers.get("x-amzn-sagemaker-custom-attributes"):
        more["customAttributes"] = [attributes]
    if inference_id := invocation.headers.get("x-amzn-sagemaker-inference-id"):
        more["inferenceId"] = inference_id
    line = {"captureData": data, "eventMetadata": event | more, "eventVersion": "0"}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _describe(body: bytes, content_type: str, mode: str, capture: Capture) -> dict[str, str]:
    encoding, data = _encode(body, content_type, capture)
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encode(body: bytes, content_type: str, capture: Capture) -> tuple[str, str]:
    """Return the encoding and the text of a body: as it is for the media types that the capture lists."""
    for encoding, listed in (("CSV", capture.csv_types), ("JSON", capture.json_types)):
        if _is_listed(content_type, listed):
            try:
                return encoding, body.decode()
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(body).decode()


def _is_listed(content_type: str, listed: Sequence[str]) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return any(kind == each.partition(";")[0].strip().lower() for each in listed)
