"""The protocols by the names that service models give them."""

from __future__ import annotations

from collections.abc import Mapping

from gyropilot.api.models import load_service
from gyropilot.api.protocols.contracts import WireProtocol
from gyropilot.api.protocols.json import JsonProtocol
from gyropilot.api.protocols.query import QueryProtocol
from gyropilot.api.protocols.rest_json import RestJsonProtocol
from gyropilot.api.protocols.rest_xml import RestXmlProtocol

PROTOCOLS: Mapping[str, WireProtocol] = {
    "json": JsonProtocol(),
    "query": QueryProtocol(),
    "rest-json": RestJsonProtocol(),
    "rest-xml": RestXmlProtocol(),
}


def protocol_of(service: str) -> WireProtocol:
    """Return the protocol that a service speaks."""
    return PROTOCOLS[load_service(service).protocol]
