"""Media types: what comes in, and which one goes out."""

from __future__ import annotations

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
PARQUET = "application/x-parquet"

_INCOMING = {
    "": CSV,
    CSV: CSV,
    "application/octet-stream": CSV,  # what the SageMaker SDK sends when no serializer is set
    JSON: JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    PARQUET: PARQUET,
    "application/vnd.apache.parquet": PARQUET,
    "x-application/vnd.amazon+parquet": PARQUET,  # as the input of AutoML jobs names it
}
_OUTGOING = {
    CSV: CSV,
    "text/*": CSV,
    JSON: JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/*": JSON,
}
_ANY = "*/*"


class MediaTypeError(Exception):
    """A media type that is not served; carries the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def choose_incoming(content_type: str) -> str:
    """Return the media type of a request's body; parameters and case do not matter.

    Raises:
        MediaTypeError: 415, when it is none that can be read.
    """
    try:
        return _INCOMING[_bare(content_type)]
    except KeyError:
        raise MediaTypeError(415, f"'{content_type}' is an unsupported content type.") from None


def choose_outgoing(accept: str, default: str) -> str:
    """Return the first media type of an Accept header that can be written; quality values do not matter.

    Args:
        accept: the header; empty: the client does not care.
        default: what `*/*` and an empty header mean.

    Raises:
        MediaTypeError: 406, when none can be written.
    """
    for wanted in (accept or _ANY).split(","):
        bare = _bare(wanted)
        found = _OUTGOING.get(default if bare == _ANY else bare)
        if found:
            return found
    raise MediaTypeError(406, f"Accept type '{accept or default}' is not supported.")


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
