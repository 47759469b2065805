"""Turns records into the bytes of their predictions, as the model server would, and joins and filters them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, TypeVar

import orjson

from gyropilot.engine.errors import RequestError
from gyropilot.service.json_paths import NoSuchPartError
from gyropilot.serving.answers import tabulate_answers, write_answers, write_csv
from gyropilot.serving.media import CSV, PARQUET
from gyropilot.serving.model import Answers, Model
from gyropilot.serving.rows import Rows, is_header, read_instance
from gyropilot.worker.transform.plan import TransformPlan
from gyropilot.worker.transform.records import Batch, RecordError, read_batches

T = TypeVar("T")


class RecordAnswerer:
    """Answers batches with one model; safe to use from several threads."""

    def __init__(self, model: Model, plan: TransformPlan) -> None:
        self._model = model
        self._plan = plan
        self._is_csv = plan.content_type == CSV
        # Of a single column, a blank line is a missing value.
        self._has_blank_records = self._is_csv and len(model.feature_names) == 1 and plan.input_path.is_whole

    def read(self, content: BinaryIO) -> Iterator[Batch]:
        """Yield an object's records in batches, as `answer` takes them.

        Raises:
            RequestError: as `read_batches` does.
        """
        return map(self._prepare, read_batches(content, self._plan, self._model.feature_names))

    def _prepare(self, batch: Batch) -> Batch:
        """Return the batch without its blank lines, and without the header that an object may begin with."""
        if self._is_csv and not self._has_blank_records and not all(batch.records):
            kept = [place for place, record in enumerate(batch.records) if record]
            batch.records, batch.lines = [batch.records[at] for at in kept], [batch.lines[at] for at in kept]
        if batch.is_first and batch.records and self._is_csv:
            first = Batch(records=batch.records[:1], lines=batch.lines[:1])
            if is_header(self._read_rows(first)[0], self._model):
                batch.header_line = batch.lines.pop(0)
                del batch.records[0]
        return batch

    def answer(self, batch: Batch) -> bytes:
        """Return the predictions of a batch, in the order of its records.

        Raises:
            RecordError: when the model cannot predict from a record, or a filter names what it does not have.
        """
        if not batch.records:
            return b""
        rows = self._read_rows(batch)
        answers = self._predict(rows, batch)
        if self._plan.has_results:
            body = self._write_results(batch, answers)
        else:
            body = write_answers(answers, self._model, self._plan.options, self._plan.accept)
        return body + b"\n" if self._plan.assembles_lines and not body.endswith(b"\n") else body

    def _read_rows(self, batch: Batch) -> Rows:
        path = self._plan.input_path
        if self._plan.content_type == PARQUET:
            return batch.records
        if self._is_csv and path.is_whole:
            return [record or [""] for record in batch.records]
        return _each(batch, batch.records, self._read_picked if self._is_csv else self._read_document)

    def _read_picked(self, record: Any) -> list[str]:
        return _as_cells(self._plan.input_path.pick(record))

    def _read_document(self, record: Any) -> Sequence[str]:
        return read_instance(self._plan.input_path.pick(record), "the record", self._model)

    def _predict(self, rows: Rows, batch: Batch) -> Answers:
        try:
            return self._model.predict_rows(rows)
        except RequestError as error:
            raise RecordError(batch.lines[self._find_refused(rows)], str(error), batch.unit) from None

    def _find_refused(self, rows: Rows) -> int:
        """Return the place of the first row that the model refuses; it refused all of them together."""
        first, end = 0, len(rows)
        while end - first > 1:
            middle = (first + end) // 2
            try:
                self._model.predict_rows(rows[first:middle])
            except RequestError:
                end = middle
            else:
                first = middle
        return first

    def _write_results(self, batch: Batch, answers: Answers) -> bytes:
        keys, columns = tabulate_answers(answers, self._model, self._plan.options)
        if self._plan.accept == CSV:
            results: list[Any] = [list(values) for values in zip(*columns, strict=True)]
        else:
            results = [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]
        if self._plan.joins_input:
            results = [_join(record, result) for record, result in zip(batch.records, results, strict=True)]
        path = self._plan.output_path
        picked = results if path.is_whole else _each(batch, results, path.pick)
        if self._plan.accept == CSV:
            return write_csv(map(_as_cells, picked))
        return b"".join(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE) for result in picked)


def _each(batch: Batch, documents: Sequence[Any], read: Callable[[Any], T]) -> list[T]:
    """Return what is read of each record's document; an error gets the record's line."""
    found = []
    for line, document in zip(batch.lines, documents, strict=True):
        try:
            found.append(read(document))
        except (NoSuchPartError, RequestError) as error:
            raise RecordError(line, str(error), batch.unit) from None
    return found


def _as_cells(picked: Any) -> list[Any]:
    return picked if isinstance(picked, list) else [picked]


def _join(record: Any, result: Any) -> Any:
    """Return a record with its prediction, in the form that AWS gives it."""
    if isinstance(result, list):
        return [*record, *result]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": result}
    return {"SageMakerInput": record, "SageMakerOutput": result}
