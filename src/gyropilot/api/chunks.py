"""Bodies in the `aws-chunked` encoding: decoded, their chunk signatures and trailers verified."""

from __future__ import annotations

import hashlib
import hmac
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from gyropilot.api.checksums import HEADER_PREFIX
from gyropilot.api.errors import ApiError
from gyropilot.api.wire import WireRequest

SPOOL_BYTES = 1 << 20
MAX_CHUNK_BYTES = 1 << 30
MAX_LINE_BYTES = 4096
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

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
    """Return the request with its body decoded, to be closed, and its trailing headers among its headers.

    Args:
        request: the request as it came.
        signer: verifies the chunks; None: they are not signed.
        seed_signature: the signature of the request itself, from which the first chunk's follows.

    Raises:
        ApiError: when the encoding is broken, a signature is wrong or the declared length is not met.
    """
    body = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115  # the caller closes it
    try:
        return _decode(request, body, _Reader(request.body, signer, seed_signature))
    except BaseException:
        body.close()
        raise


def _decode(request: WireRequest, body: BinaryIO, reader: _Reader) -> WireRequest:
    length = 0
    for piece in reader.read_chunks():
        body.write(piece)
        length += len(piece)
    trailers = reader.read_trailers()
    declared = request.header("x-amz-decoded-content-length")
    if declared and declared != str(length):
        raise ApiError("IncompleteBody", "The body does not have the length that x-amz-decoded-content-length states.")
    promised = {name.strip().lower() for name in request.header("x-amz-trailer").split(",") if name.strip()}
    if promised != trailers.keys():
        raise ApiError("MalformedTrailerError", "The trailing headers are not those that x-amz-trailer names.")
    if not all(name.startswith(HEADER_PREFIX) for name in trailers):  # nothing else may come after the signature
        raise ApiError("MalformedTrailerError", "Only checksums may be sent as trailing headers.")
    body.seek(0)
    encodings = [name.strip() for name in request.header("content-encoding").split(",")]
    rest = ",".join(name for name in encodings if name and name != "aws-chunked")
    headers = {name: value for name, value in request.headers.items() if name != "content-encoding"}
    return replace(
        request, body=body, length=length, headers=headers | ({"content-encoding": rest} if rest else {}) | trailers
    )


class _Reader:
    def __init__(self, body: BinaryIO, signer: ChunkSigner | None, previous: str) -> None:
        body.seek(0)
        self._body = body
        self._signer = signer
        self._previous = previous

    def read_chunks(self) -> Iterator[bytes]:
        """Yield the content; every piece of a signed chunk comes before its signature is known to be right."""
        while True:
            head = _CHUNK_HEAD.fullmatch(self._body.readline(MAX_LINE_BYTES))
            if head is None or (head.group(2) is None) != (self._signer is None):
                raise _broken()
            left = int(head.group(1), 16)
            if left > MAX_CHUNK_BYTES:
                raise _broken()
            is_last, digest = left == 0, hashlib.sha256()
            while left:
                piece = self._body.read(min(left, SPOOL_BYTES))
                if not piece:
                    raise _broken()
                left -= len(piece)
                digest.update(piece)
                yield piece
            if self._signer is not None:
                self._accept(self._signer.sign_chunk(self._previous, digest.hexdigest()), head.group(2))
            if is_last:
                return
            if self._body.read(2) != b"\r\n":
                raise _broken()

    def read_trailers(self) -> dict[str, str]:
        """Return the headers after the last chunk."""
        trailers: dict[str, str] = {}
        signature: bytes | None = None
        while (line := self._body.readline(MAX_LINE_BYTES).strip()) or self._body.read(1):
            if not line:
                raise _broken()
            name, _, value = line.partition(b":")
            if name.lower() == b"x-amz-trailer-signature":
                signature = value
            else:
                trailers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        if trailers and self._signer is not None:
            text = "".join(f"{name}:{value}\n" for name, value in trailers.items()).encode()
            self._accept(self._signer.sign_trailer(self._previous, text), signature)
        return trailers

    def _accept(self, expected: str, given: bytes | None) -> None:
        if not hmac.compare_digest(expected.encode(), given or b""):
            raise ApiError("SignatureDoesNotMatch", "The signature of a chunk does not match.", 403)
        self._previous = expected


def _broken() -> ApiError:
    return ApiError("IncompleteBody", "The body is not in the aws-chunked encoding that its headers declare.")
