"""Answers trees for many rows at once: a question is asked of 64 rows with one machine word.

Row by row, a processor waits at each node of a tree, for it cannot guess which way the row goes. Here a bit says what
a row answers to a question, and a word holds the bits of 64 rows. Each bit of a leaf's number is chosen, by a node's
answers, from those of the nodes below: three operations on words, none of which depends on what the answers are. In
the end the numbers are read off, and what the leaves add is looked up. Needs numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTE, WORD = 8, 64
"""Rows whose bits a byte and a word hold."""
LOOKED_UP = 8
"""So many numbers of each row are looked up at once: more would not fit into a processor's cache."""

NO, YES, FIRST = 0, 1, 2
"""Places of bits that are the same for all rows, and of the first question's."""

Bits = NDArray[np.uint64]
Places = NDArray[np.intp]
Numbers = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Thresholds that one column is compared with."""

    feature: int
    begin: int
    """Where the bits of the first answers are put; those of the others follow."""
    thresholds: Numbers
    """(thresholds, 1)"""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Bits that can be chosen at once: each is that of one place where the condition is met, of another elsewhere."""

    begin: int
    """Where the first of them is put; the others follow."""
    condition: Places
    if_met: Places
    if_not: Places


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Numbers, each a leaf's or those of several small trees' leaves side by side, and what they stand for."""

    planes: Places
    """(numbers, bits) where their bits lie, the lowest first."""
    entries: Numbers
    """(width, numbers * 2^bits) what is added, one number after the other."""
    output: int
    """The score that the first row of the entries is added to."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some trees: the choices from the leaves upwards, and the lookups after them."""

    choices: tuple[Choices, ...]
    lookups: tuple[Lookup, ...]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All trees of an operator."""

    base: Numbers
    questions: tuple[Question, ...]
    chunks: tuple[Chunk, ...]
    places: int
    """How many places for bits there are."""


def prepare_columns(features: Numbers) -> Numbers:
    """Return rows (n, features) as columns (features, m), m being the next multiple of 64; missing numbers are -inf."""
    rows, width = features.shape
    columns = np.full((width, rows + -rows % WORD), -np.inf, dtype=np.float32)
    columns[:, :rows] = features.T
    columns[np.isnan(columns)] = -np.inf
    return columns


def run_circuit(layout: Layout, columns: Numbers) -> Numbers:
    """Return the scores (m, outputs) of a block of rows.

    Args:
        layout: the trees.
        columns: (features, m), as `prepare_columns` makes them.
    """
    rows = columns.shape[1]
    bits = np.empty((layout.places, rows // WORD), dtype=np.uint64)
    bits[NO], bits[YES] = 0, ~np.uint64(0)
    for question in layout.questions:
        _ask(question, columns, bits)
    scores = np.repeat(layout.base[:, None].astype(np.float64), rows, axis=1)
    for chunk in layout.chunks:
        for choices in chunk.choices:
            _choose(choices, bits)
        for lookup in chunk.lookups:
            _look_up(lookup, bits, scores)
    return np.ascontiguousarray(scores.T, dtype=np.float32)


def _ask(question: Question, columns: Numbers, bits: Bits) -> None:
    answers = columns[question.feature] <= question.thresholds
    bits[question.begin : question.begin + len(answers)] = np.packbits(answers, axis=1, bitorder="little").view(
        np.uint64
    )


def _choose(choices: Choices, bits: Bits) -> None:
    # With a mode but "raise", numpy writes into `out` at once. All places are within.
    chosen = bits[choices.begin : choices.begin + len(choices.condition)]
    other = bits.take(choices.if_not, axis=0)
    bits.take(choices.if_met, axis=0, out=chosen, mode="clip")
    chosen ^= other
    chosen &= bits.take(choices.condition, axis=0)
    chosen ^= other


def _look_up(lookup: Lookup, bits: Bits, scores: NDArray[np.float64]) -> None:
    """Add what some numbers stand for to the scores (outputs, n)."""
    width = lookup.planes.shape[1]
    for first in range(0, len(lookup.planes), LOOKED_UP):
        planes = lookup.planes[first : first + LOOKED_UP]
        marks = np.unpackbits(bits.take(planes.T.ravel(), axis=0).view(np.uint8), axis=1, bitorder="little")
        marks = marks.reshape(width, len(planes), -1)
        begin = np.arange(first, first + len(planes), dtype=np.intp) << width
        place = _read_numbers(marks[:BYTE]) + begin[:, None]
        if width > BYTE:
            place += _read_numbers(marks[BYTE:]).astype(np.intp) << BYTE
        for output, entries in enumerate(lookup.entries, lookup.output):
            scores[output] += entries.take(place, mode="clip").sum(axis=0)


def _read_numbers(marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return numbers (numbers, n) from their bits (bits, numbers, n), up to eight; the bits are not kept."""
    words = marks.view(np.uint64)  # eight numbers at once: no bit of one is moved into the next
    for bit in range(1, len(words)):
        words[bit] <<= np.uint64(bit)
        words[0] |= words[bit]
    numbers: NDArray[np.uint8] = words[0].view(np.uint8)
    return numbers
