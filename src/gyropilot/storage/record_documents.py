"""The stored form of a record: one JSON document, typed by the record's class."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from gyropilot.service.record_kinds import RECORD_KINDS
from gyropilot.service.records import Record

R = TypeVar("R", bound=Record)

_DECODERS: dict[type[Record], msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(kind) for kind in RECORD_KINDS}


def encode_record(record: Record) -> bytes:
    """Write a record as JSON.

    A figure that is not finite becomes null: the field's reader then refuses it, a free mapping keeps the null.

    Raises:
        ValueError: when the document could not be read again; storing it would lose the record.
    """
    document = msgspec.json.encode(record)
    decode_record(type(record), document)
    return document


def decode_record(kind: type[R], document: bytes | str) -> R:
    """Read a record; members of newer versions are passed over and missing ones take their defaults.

    Raises:
        ValueError: when it is no document of this kind.
    """
    record: R = _DECODERS[kind].decode(document)
    return record
