"""Generates documents from a service model's shapes."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

TEXT = string.ascii_letters + string.digits + " .-_/+&=%'\"<>äß€,;:"
HEADER_TEXT = string.ascii_letters + string.digits + ".-_/"
MAX_DEPTH = 6


class Generator:
    """Makes random values of shapes; the same seed makes the same values."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def document(self, shape: StructureShape | None) -> dict[str, Any]:
        return {} if shape is None else self.structure(shape, 0)

    def structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        if shape.is_document_type:
            return {"any": [1, "x"]}
        names = list(shape.members)
        if shape.is_tagged_union:
            names = [self.rng.choice(names)]
        required = set(shape.required_members) | {
            name for name, member in shape.members.items() if member.serialization.get("location") == "uri"
        }
        if depth and not required and names and depth < MAX_DEPTH + 3:
            required = {self.rng.choice(names)}  # the query protocol cannot say that a structure is empty
        document = {}
        for name in names:
            wanted = name in required or shape.is_tagged_union or (depth < MAX_DEPTH + 2 and self.rng.random() < 0.6)
            if wanted and not shape.members[name].serialization.get("eventstream"):
                value = self.value(shape.members[name], depth + 1)
                if value not in ({}, []) or name in required:
                    document[name] = value
        return document

    def value(self, shape: Shape, depth: int) -> Any:
        if isinstance(shape, StructureShape):
            return self.structure(shape, depth)
        if isinstance(shape, ListShape):
            count = self.rng.randint(1, 2) if depth < MAX_DEPTH + 3 else 0
            return [self.value(shape.member, depth + 1) for _ in range(count)]
        if isinstance(shape, MapShape):
            header = shape.serialization.get("location") == "headers"
            count = self.rng.randint(1, 2) if depth < MAX_DEPTH + 3 else 0
            return {
                self.text(header=header, lower=header): (
                    self.text(header=True) if header else self.value(shape.value, depth + 1)
                )
                for _ in range(count)
            }
        return self.scalar(shape)

    def scalar(self, shape: Shape) -> Any:
        match shape.type_name:
            case "boolean":
                return self.rng.random() < 0.5
            case "integer" | "long":
                return self.rng.randint(0, 10_000)
            case "float" | "double":
                return self.rng.uniform(-1e6, 1e6)
            case "timestamp":
                return datetime.fromtimestamp(self.rng.randint(0, 4_000_000_000), UTC)
            case "blob":
                return self.rng.randbytes(self.rng.randint(1, 20))
        if getattr(shape, "enum", None):
            return self.rng.choice(shape.enum)  # type: ignore[attr-defined]  # string shapes have it
        return self.text(header="location" in shape.serialization and shape.serialization["location"] != "uri")

    def text(self, *, header: bool, lower: bool = False) -> str:
        alphabet = HEADER_TEXT if header else TEXT
        inner = "".join(self.rng.choice(alphabet) for _ in range(self.rng.randint(0, 12)))
        text = self.rng.choice(string.ascii_letters) + inner + self.rng.choice(string.ascii_letters)
        return text.lower() if lower else text
