"""Bodies in the `aws-chunked` encoding: decoded, their chunk signatures and trailers verified."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from gyropilot.api.checksums import HEADER_PREFIX
from gyropilot.api.errors import ApiError
from gyropilot.api.wire import WireRequest

PIECE_BYTES = 4 << 20
"""More than a body has ready at once, so that its pieces need not be cut."""
MAX_CHUNK_BYTES = 1 << 30
MAX_LINE_BYTES = 4096
MAX_TRAILERS = 16
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_LENGTH = re.compile(r"[0-9]{1,19}")
_CHUNK_HEAD = re.compile(rb"([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?\r\n")


@dataclass(frozen=True, kw_only=True)
class ChunkSigner:
    """Signs the chunks of one body, each with the signature of the one before."""

    key: bytes
    """The signing key of the request's scope."""
    timestamp: str
    """The request's time as it was signed."""
    scope: str
    """The request's scope without the access key."""

    def sign_chunk(self, previous: str, data_hash: str) -> str:
        """Return the signature of a chunk."""
        return self._sign("AWS4-HMAC-SHA256-PAYLOAD", previous, EMPTY_HASH, data_hash)

    def sign_trailer(self, previous: str, trailer: bytes) -> str:
        """Return the signature of the trailing headers."""
        return self._sign("AWS4-HMAC-SHA256-TRAILER", previous, hashlib.sha256(trailer).hexdigest())

    def _sign(self, algorithm: str, previous: str, *hashes: str) -> str:
        text = "\n".join([algorithm, self.timestamp, self.scope, previous, *hashes])
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def decode_chunks(request: WireRequest, *, signer: ChunkSigner | None, seed_signature: str) -> WireRequest:
    """Return the request with a body that is decoded, and found right, while it is read.

    Args:
        request: the request as it came.
        signer: verifies the chunks; None: they are not signed.
        seed_signature: the signature of the request itself, from which the first chunk's follows.
    """
    encodings = [name.strip() for name in request.header("content-encoding").split(",")]
    rest = ",".join(name for name in encodings if name and name != "aws-chunked")
    headers = {name: value for name, value in request.headers.items() if name != "content-encoding"}
    body = ChunkedBody(request, signer, seed_signature)
    headers |= {"content-encoding": rest} if rest else {}
    return replace(request, body=cast("BinaryIO", body), length=body.declared_length, headers=headers)


class ChunkedBody(io.RawIOBase):
    """The content of a body in chunks.

    Reading raises `ApiError` when the encoding is broken, a signature is wrong or the declared length is not met; every
    piece of a signed chunk comes before its signature is known to be right.
    """

    def __init__(self, request: WireRequest, signer: ChunkSigner | None, previous: str) -> None:
        self._body = _Pieces(request.body)
        self._signer = signer
        self._previous = previous
        self._left = 0
        """Bytes of the chunk that were not read yet."""
        self._digest = hashlib.sha256()
        self._stated = b""
        """The signature that the chunk states."""
        self._length = 0
        self._declared = request.header("x-amz-decoded-content-length")
        self._promised = {name.strip().lower() for name in request.header("x-amz-trailer").split(",") if name.strip()}
        self._is_finished = False
        self.trailers: dict[str, str] = {}
        """The headers after the last chunk; there when the body was read to its end."""

    @property
    def declared_length(self) -> int:
        """How many bytes of content the request declares; 0: it does not say."""
        return int(self._declared) if _LENGTH.fullmatch(self._declared) else 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes of content, fewer than asked for perhaps; nothing at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        if not size or self._is_finished or not (self._left or self._open_chunk()):
            return b""
        piece = self._body.read(min(self._left, size))
        if not piece:
            raise _broken()
        self._left -= len(piece)
        self._length += len(piece)
        if self._signer is not None:
            self._digest.update(piece)
        if not self._left:
            self._close_chunk()
        return piece

    def _open_chunk(self) -> bool:
        """Read the head of the next chunk and tell whether it has content; the last one has none."""
        head = _CHUNK_HEAD.fullmatch(self._body.read_line(MAX_LINE_BYTES))
        if head is None or (head.group(2) is None) != (self._signer is None):
            raise _broken()
        self._left, self._stated, self._digest = int(head.group(1), 16), head.group(2) or b"", hashlib.sha256()
        if self._left > MAX_CHUNK_BYTES:
            raise _broken()
        if not self._left:
            self._finish()
        return bool(self._left)

    def _close_chunk(self) -> None:
        self._check_chunk()
        if self._body.read_line(2) != b"\r\n":
            raise _broken()

    def _check_chunk(self) -> None:
        if self._signer is not None:
            self._accept(self._signer.sign_chunk(self._previous, self._digest.hexdigest()), self._stated)

    def _finish(self) -> None:
        self._is_finished = True
        self._check_chunk()
        self._read_trailers()
        if self._declared and self._declared != str(self._length):
            raise ApiError(
                "IncompleteBody", "The body does not have the length that x-amz-decoded-content-length states."
            )
        if self._promised != self.trailers.keys():
            raise ApiError("MalformedTrailerError", "The trailing headers are not those that x-amz-trailer names.")
        if not all(name.startswith(HEADER_PREFIX) for name in self.trailers):  # nothing else may come after signing
            raise ApiError("MalformedTrailerError", "Only checksums may be sent as trailing headers.")

    def _read_trailers(self) -> None:
        signature: bytes | None = None
        while (line := self._body.read_line(MAX_LINE_BYTES).strip()) or self._body.read(1):
            if not line or len(self.trailers) > MAX_TRAILERS:
                raise _broken()
            name, _, value = line.partition(b":")
            if name.lower() == b"x-amz-trailer-signature":
                signature = value
            else:
                self.trailers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        if self.trailers and self._signer is not None:
            text = "".join(f"{name}:{value}\n" for name, value in self.trailers.items()).encode()
            self._accept(self._signer.sign_trailer(self._previous, text), signature)

    def _accept(self, expected: str, given: bytes | None) -> None:
        if not hmac.compare_digest(expected.encode(), given or b""):
            raise ApiError("SignatureDoesNotMatch", "The signature of a chunk does not match.", 403)
        self._previous = expected


class _Pieces:
    """What a body gives, cut anew: into lines, and into content that is copied once."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._piece = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer than asked for perhaps; nothing at the end."""
        if self._at == len(self._piece):
            self._piece, self._at = self._body.read(PIECE_BYTES), 0
        piece = self._piece[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def read_line(self, most: int) -> bytes:
        """Return the bytes up to the end of the line, but not more than so many."""
        line = b""
        while len(line) < most and not line.endswith(b"\n"):
            end = self._piece.find(b"\n", self._at) + 1 or len(self._piece)
            more = self.read(min(max(end - self._at, 1), most - len(line)))
            if not more:
                break
            line += more
        return line


def _broken() -> ApiError:
    return ApiError("IncompleteBody", "The body is not in the aws-chunked encoding that its headers declare.")
