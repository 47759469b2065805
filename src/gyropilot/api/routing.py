"""Which service and which operation a request is for; one port answers all services."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from botocore.model import OperationModel

from gyropilot.api.models import SERVICES, load_operation, load_service
from gyropilot.api.presigned import find_presigned_service, is_presigned
from gyropilot.api.protocols.query import read_form
from gyropilot.api.protocols.rest import parse_query
from gyropilot.api.wire import WireRequest

_SCOPE = re.compile(r"Credential=[^,\s]*/\d{8}/[^/,\s]*/([^/,\s]+)/aws4_request")
_SIGNING_NAMES = frozenset({"sagemaker", "s3", "sts", "iam", "logs", "monitoring"})
_RENAMED = {"monitoring": "cloudwatch"}
"""Signing names that are not the names of their services."""
_INVOCATION = re.compile(r"/endpoints/[^/]+/(invocations|async-invocations|invocations-response-stream)")


class UnknownOperationError(Exception):
    """The request names no operation of the service."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where a request goes."""

    service: str
    """The service, by botocore's name."""
    operation: OperationModel
    """The operation."""
    labels: Mapping[str, str]
    """Parts of the path that are parameters, decoded."""


def find_service(request: WireRequest) -> str:
    """Return the service a request is for; the scope of its signature decides, since paths alone are ambiguous.

    A bucket may be called `endpoints`; an unsigned request is told apart by its looks, only to word its refusal. So is
    one for a service that is not served.
    """
    signing_name = _find_signing_name(request)
    is_form = request.header("content-type").startswith("application/x-www-form-urlencoded") and request.path == "/"
    if signing_name == "sagemaker" or (not signing_name and _INVOCATION.fullmatch(request.path)):
        return "sagemaker" if request.header("x-amz-target") else "sagemaker-runtime"
    service = _RENAMED.get(signing_name, signing_name)
    if service in SERVICES:
        return service
    if signing_name:
        return "sts" if is_form else "sagemaker"
    target = request.header("x-amz-target").partition(".")[0]
    for service in SERVICES:
        if target and load_service(service).metadata.get("targetPrefix") == target:
            return service
    return "sts" if is_form else "s3"


def find_unserved_service(request: WireRequest) -> str:
    """Return the name in the signature's scope when it is that of a service which is not served, or else nothing."""
    name = _find_signing_name(request)
    return "" if name in _SIGNING_NAMES else name


def _find_signing_name(request: WireRequest) -> str:
    scope = _SCOPE.search(request.header("authorization"))
    if scope:
        return scope.group(1)
    return (find_presigned_service(request) or "s3") if is_presigned(request) else ""


def find_operation(service: str, request: WireRequest) -> Route:
    """Return the operation that a request to a service asks for.

    Raises:
        UnknownOperationError: when there is none such.
        MalformedRequestError: when the form that should name it cannot be read.
    """
    protocol = load_service(service).protocol
    labels: Mapping[str, str] = {}
    if protocol == "json":
        name = _name_in_target(service, request)
    elif protocol == "query":
        name = read_form(request).get("Action", "")
    else:
        name, labels = match_path(service, request) or ("", {})
    if name not in load_service(service).operation_names:
        raise UnknownOperationError(name or f"{request.method} {request.path}")
    return Route(service=service, operation=load_operation(service, name), labels=labels)


def _name_in_target(service: str, request: WireRequest) -> str:
    prefix, _, name = request.header("x-amz-target").rpartition(".")
    return name if prefix == load_service(service).metadata["targetPrefix"] else ""


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    """What a request must look like to be for one REST operation."""

    name: str
    method: str
    path: re.Pattern[str]
    literals: tuple[tuple[str, str], ...]
    """Query parameters that the operation's address itself contains."""
    required_query: frozenset[str]
    required_headers: frozenset[str]
    is_deprecated: bool

    @property
    def rank(self) -> tuple[int, int, bool, str]:
        """Which pattern wins when several match: the one that asks for more."""
        required = len(self.required_query) + len(self.required_headers)
        return -len(self.literals), -required, self.is_deprecated, self.name


def match_path(service: str, request: WireRequest) -> tuple[str, dict[str, str]] | None:
    """Return the name and the path's labels of the REST operation that a request looks like."""
    query = parse_query(request.query)
    for pattern in _patterns(service):
        found = pattern.path.fullmatch(request.path) if pattern.method == request.method else None
        if found is None or not all(value in query.get(name, ()) for name, value in pattern.literals):
            continue
        if pattern.required_query <= query.keys() and pattern.required_headers <= request.headers.keys():
            return pattern.name, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


@cache
def _patterns(service: str) -> tuple[_Pattern, ...]:
    names = load_service(service).operation_names
    return tuple(sorted((_pattern(load_operation(service, name)) for name in names), key=lambda pattern: pattern.rank))


def _pattern(operation: OperationModel) -> _Pattern:
    path, _, query = operation.http["requestUri"].partition("?")
    required: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        member = shape.members[name]  # type: ignore[union-attr]  # no shape, no members
        location = member.serialization.get("location")
        if location in required:
            required[location].add(member.serialization.get("name", name))
    return _Pattern(
        name=operation.name,
        method=operation.http["method"],
        path=_path_pattern(path),
        literals=tuple((name, values[0]) for name, values in parse_query(query).items()),
        required_query=frozenset(required["querystring"]),
        required_headers=frozenset(name.lower() for name in required["header"]),
        is_deprecated=operation.deprecated,
    )


_LABEL = re.compile(r"\{(\w+)(\+?)\}")


def _path_pattern(template: str) -> re.Pattern[str]:
    """Return a pattern with a named group for each label; a greedy label spans slashes, a bucket may end with one."""
    position, pattern = 0, ""
    for label in _LABEL.finditer(template):
        inner = "(?s:.+)" if label.group(2) else "[^/]+"
        pattern += re.escape(template[position : label.start()]) + f"(?P<{label.group(1)}>{inner})"
        position = label.end()
    pattern += re.escape(template[position:])
    return re.compile(pattern if pattern.endswith("/") else f"{pattern}/?" if "+}" not in template else pattern)
