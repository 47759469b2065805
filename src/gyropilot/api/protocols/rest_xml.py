"""The `rest-xml` protocol: s3."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement  # builds, never parses

from botocore.model import OperationModel, StructureShape

from gyropilot.api.protocols.contracts import Document, WireError
from gyropilot.api.protocols.rest import (
    has_body_members,
    payload_member,
    read_locations,
    read_raw_payload,
    write_locations,
)
from gyropilot.api.protocols.xml_values import append_members, dump_xml, parse_element, parse_xml
from gyropilot.api.wire import Stream, WireRequest, WireResponse

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

ROOT_NAMES: Mapping[str, str] = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
}
"""Names of answers' root elements that the model leaves out; botocore does not look at them, other clients do."""

UNWRAPPED = frozenset({"GetBucketLocation"})
"""Answers whose only member is the root element's own text, which the model cannot express."""


class RestXmlProtocol:
    """Path, query string and headers carry members; the body is XML or raw bytes."""

    def read(self, operation: OperationModel, request: WireRequest, labels: Mapping[str, str]) -> Document:
        """Return the parameters."""
        parsed = read_locations(operation, request, labels)
        shape = operation.input_shape
        payload = payload_member(shape)
        if payload is None:
            if shape is not None and has_body_members(shape) and request.length:
                parsed |= parse_element(shape, parse_xml(request.read_body()))
        elif payload[1].type_name in ("blob", "string"):
            parsed[payload[0]] = read_raw_payload(payload[1], request)
        elif request.length:
            parsed[payload[0]] = parse_element(payload[1], parse_xml(request.read_body()))
        return parsed

    def write(self, operation: OperationModel, result: Document, request_id: str) -> WireResponse:
        """Return the answer with this result."""
        status, headers = write_locations(operation, result)
        if "Content-Range" in headers:
            status = 206  # HTTP: partial content
        headers |= _identify(request_id)
        payload = payload_member(operation.output_shape)
        if payload is not None and payload[1].type_name in ("blob", "string"):
            return WireResponse(status=status, headers=headers, body=_encode(result.get(payload[0]) or b""))
        root = self._build_root(operation, result)
        if root is None:
            return WireResponse(status=status, headers=headers)
        headers["Content-Type"] = "application/xml"
        return WireResponse(status=status, headers=headers, body=dump_xml(root))

    def _build_root(self, operation: OperationModel, result: Document) -> Element | None:
        shape = operation.output_shape
        if shape is None:
            return None
        name = ROOT_NAMES.get(operation.name, f"{operation.name}Result")
        if (payload := payload_member(shape)) is not None:
            member = payload[1]
            if payload[0] not in result or not isinstance(member, StructureShape):
                return None
            root = Element(member.serialization.get("name", name), {"xmlns": NAMESPACE})
            append_members(root, member, result[payload[0]])
            return root
        if not has_body_members(shape):
            return None
        root = Element(name, {"xmlns": NAMESPACE})
        if operation.name in UNWRAPPED:
            root.text = next(iter(result.values()), None)
        else:
            append_members(root, shape, result)
        return root

    def write_error(self, error: WireError, request_id: str) -> WireResponse:
        """Return the answer with this error."""
        root = Element("Error")
        SubElement(root, "Code").text = error.code
        SubElement(root, "Message").text = error.message
        for name, value in error.members.items():
            SubElement(root, name).text = str(value)
        SubElement(root, "RequestId").text = request_id
        headers = {"Content-Type": "application/xml", **_identify(request_id)}
        return WireResponse(status=error.status, headers=headers, body=dump_xml(root))


def _identify(request_id: str) -> dict[str, str]:
    return {"x-amz-request-id": request_id, "x-amz-id-2": request_id}


def _encode(value: bytes | str | Stream) -> bytes | Stream:
    return value.encode() if isinstance(value, str) else value
