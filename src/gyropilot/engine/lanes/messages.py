"""What the supervisor, its lanes and the nursery say to each other: MessagePack, no pickle."""

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
    table: str = ""
    """Folder of the table to learn from; empty: the one that was opened."""
    rows_share: float = 1.0
    """The share of the training rows to learn from."""


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


class Import(msgspec.Struct, frozen=True, tag=True):
    """To the nursery: import modules while there is nothing else to do."""

    modules: list[str]


class Fork(msgspec.Struct, frozen=True, tag=True):
    """To the nursery: fork a lane; its standard input, output and error come along."""

    modules: list[str]
    """What it needs at once, imported before."""


class Bury(msgspec.Struct, frozen=True, tag=True):
    """To the nursery: wait for a lane that has closed its output."""

    pid: int


class Born(msgspec.Struct, frozen=True, tag=True):
    """From the nursery, for each `Fork` in turn: the lane's process."""

    pid: int


class Buried(msgspec.Struct, frozen=True, tag=True):
    """From the nursery: a lane has ended, with this code, or by this signal below 0."""

    pid: int
    code: int


Order = Open | Begin | Advance | Finish | Drop
Answer = Ready | Opened | Advanced | Finished | Failed

Wish = Import | Fork | Bury
News = Born | Buried

_ENCODER = msgspec.msgpack.Encoder()
_ORDERS: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_WISHES: msgspec.msgpack.Decoder[Wish] = msgspec.msgpack.Decoder(Wish)
_NEWS: msgspec.msgpack.Decoder[News] = msgspec.msgpack.Decoder(News)


def pack_message(message: Wish | News) -> bytes:
    """Return the bytes of a message that is sent as one packet."""
    return _ENCODER.encode(message)


def unpack_wish(content: bytes) -> Wish:
    """Read what the nursery is asked for."""
    return _WISHES.decode(content)


def unpack_news(content: bytes) -> News:
    """Read what the nursery tells."""
    return _NEWS.decode(content)


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
