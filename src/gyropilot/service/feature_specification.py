"""The feature specification: a JSON object that says which columns are learned from and how they are understood."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gyropilot.service.errors import InvalidRequestError

MAX_BYTES = 4 << 20
NAMES, TYPES = "FeatureAttributeNames", "FeatureDataTypes"
DATA_TYPES = ("numeric", "categorical", "text", "datetime", "sequence")
SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class FeatureSpecification:
    """What a specification says."""

    names: tuple[str, ...] = ()
    """The columns that are learned from; empty: all."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Column name to one of `DATA_TYPES`, over what is inferred."""


def parse_feature_specification(content: bytes) -> FeatureSpecification:
    """Read a specification.

    Raises:
        InvalidRequestError: when it is not of the form; the message names the rule and the value.
    """
    document = _load(content)
    if strangers := [key for key in document if key not in {NAMES, TYPES}]:
        raise InvalidRequestError(f"it has the unknown keys {_show(strangers)}; known are {NAMES} and {TYPES}")
    names, types = document.get(NAMES), document.get(TYPES, {})
    if names is not None and not (isinstance(names, list) and names and all(isinstance(each, str) for each in names)):
        raise InvalidRequestError(f"{NAMES} must be a list of one or more column names")
    if not isinstance(types, dict):
        raise InvalidRequestError(f"{TYPES} must be an object of column names and types")
    names = names or []
    if repeated := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else []):
        raise InvalidRequestError(f"{NAMES} holds {_show(repeated)} more than once")
    if wrong := [f"{name}: {kind}" for name, kind in types.items() if kind not in DATA_TYPES]:
        raise InvalidRequestError(f"{TYPES} holds the unknown types {_show(wrong)}; known are {', '.join(DATA_TYPES)}")
    if names and (surplus := [name for name in types if name not in set(names)]):
        raise InvalidRequestError(f"{TYPES} has keys that are not in {NAMES}: {_show(surplus)}")
    return FeatureSpecification(names=tuple(names), types=types)


def check_feature_specification(
    specification: FeatureSpecification, columns: Collection[str], *, target: str, weight_column: str = ""
) -> None:
    """Compare a specification with the columns of the data.

    Raises:
        InvalidRequestError: when it names a column that is not there, the target or the weight column.
    """
    named = [*specification.names, *specification.types]
    if target in named:
        raise InvalidRequestError(f"it holds the target attribute {target}, which is no feature")
    if weight_column and weight_column in named:
        raise InvalidRequestError(f"it holds the sample weight attribute {weight_column}, which is no feature")
    known = set(columns)
    if missing := [name for name in dict.fromkeys(named) if name not in known]:
        raise InvalidRequestError(f"it holds columns that are not in the header: {_show(missing)}")


def _load(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise InvalidRequestError(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"it is not in UTF-8: byte {error.start + 1} is {content[error.start]:#04x}"
        ) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidRequestError(f"it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidRequestError(f"it must be a JSON object, not {type(document).__name__}")
    return document


def _show(values: list[str]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"[{', '.join(values[:SHOWN])}]{more}"
