"""Filter patterns of CloudWatch Logs: which messages hold the wanted terms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gyropilot.service.errors import InvalidRequestError

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_OTHER_KINDS = {"{": "JSON fields", "[": "space-delimited fields", "%": "regular expressions"}


@dataclass(frozen=True, kw_only=True)
class FilterPattern:
    """Terms as they stand in messages, letter for letter."""

    needed: tuple[str, ...] = ()
    """Each must be there."""
    optional: tuple[str, ...] = ()
    """One must be there, unless others are needed."""
    excluded: tuple[str, ...] = ()
    """None may be there."""

    def matches(self, message: str) -> bool:
        """Tell whether a message is wanted."""
        if any(term in message for term in self.excluded) or not all(term in message for term in self.needed):
            return False
        return bool(self.needed) or not self.optional or any(term in message for term in self.optional)


def parse_filter_pattern(text: str) -> FilterPattern:
    """Read a pattern: words, quoted phrases, `?` before what is optional, `-` before what is excluded.

    Raises:
        InvalidRequestError: when it is not of this form.
    """
    text = text.strip()
    if kind := _OTHER_KINDS.get(text[:1]):
        raise InvalidRequestError(f"Gyropilot does not support filter patterns of {kind} yet. Use words or phrases.")
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise InvalidRequestError(f"Invalid filter pattern '{text}': a phrase must stand in quotation marks.")
        sign, phrase, word = found.groups()
        terms[sign].append(word if phrase is None else _ESCAPED.sub(r"\1", phrase))
        position = found.end()
    return FilterPattern(needed=tuple(terms[""]), optional=tuple(terms["?"]), excluded=tuple(terms["-"]))
