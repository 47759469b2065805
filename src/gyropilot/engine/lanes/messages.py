"""What the supervisor and its lanes say to each other: MessagePack, no pickle."""

from __future__ import annotations

from typing import Any, BinaryIO

import msgspec

LENGTH_BYTES = 4


class Open(msgspec.Struct, frozen=True, tag=True):
    """Map the prepared data."""

    folder: str


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Begin a fit."""

    fit: str
    algorithm: str
    parameters: dict[str, Any]
    fold: int
    seed: int


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Train a fit on."""

    fit: str
    max_steps: int
    seconds: float


class Finish(msgspec.Struct, frozen=True, tag=True):
    """Store a fit's model and its predictions, and forget it."""

    fit: str
    steps: int
    """Steps of the model that is kept."""
    honest_steps: int
    """Steps at which the validation rows are predicted: chosen without looking at them."""
    check_rows: list[int]
    """Rows whose scores the exported model must repeat."""
    path: str
    """Where to: `path`.npz, `path`-validation.npy, `path`-holdout.npy and `path`-check.npy."""


class Drop(msgspec.Struct, frozen=True, tag=True):
    """Forget a fit."""

    fit: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The lane has imported what it needs."""


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The data is mapped."""


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """A fit came further; also the answer to `Begin`."""

    fit: str
    losses: list[float]
    is_finished: bool
    seconds: float


class Finished(msgspec.Struct, frozen=True, tag=True):
    """A fit's model is stored."""

    fit: str
    seconds: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A fit failed."""

    fit: str
    reason: str


Order = Open | Begin | Advance | Finish | Drop
Answer = Ready | Opened | Advanced | Finished | Failed

_ENCODER = msgspec.msgpack.Encoder()
_ORDERS: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def write_message(stream: BinaryIO, message: Order | Answer) -> None:
    """Send a message: its length, then its bytes."""
    content = _ENCODER.encode(message)
    stream.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)
    stream.flush()


def read_order(stream: BinaryIO) -> Order | None:
    """Return the next order, or None when the supervisor is gone."""
    content = _read(stream)
    return None if content is None else _ORDERS.decode(content)


def read_answer(stream: BinaryIO) -> Answer | None:
    """Return the next answer, or None when the lane is gone."""
    content = _read(stream)
    return None if content is None else _ANSWERS.decode(content)


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    content = stream.read(length)
    return content if len(content) == length else None
