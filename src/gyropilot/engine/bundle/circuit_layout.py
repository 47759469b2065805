"""Lays trees out as circuits: which bits are chosen from which, and what the numbers of leaves stand for.

Leaves are numbered from left to right in Gray code: neighbours differ in one bit, so that few bits of a node's leaf
number depend on where a row goes below it. Those that do are chosen, by the node's answer, from the same bits of the
two nodes below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gyropilot.engine.bundle.circuits import (
    BYTE,
    FIRST,
    NO,
    YES,
    Choices,
    Chunk,
    Layout,
    Lookup,
    Numbers,
    Places,
    Question,
)

CHUNK_CHOICES = 8192
"""Trees are answered in groups of about so many choices: more bits at once do not fit into a processor's cache."""
MOST_WIDTH = 2 * BYTE
"""Leaf numbers of trees have so many bits at most."""


@dataclass(frozen=True, kw_only=True)
class TreeTable:
    """Trees one after the other, each from its root. A row goes left when its number is missing or at most a border."""

    root: Places
    """(trees,) the first node of each tree."""
    feature: Places
    """(nodes,) the column that is asked; -1 in a leaf."""
    threshold: Numbers
    """(nodes,) what it is compared with."""
    left: Places
    """(nodes,) the node to the left; 0 in a leaf."""
    right: Places
    """(nodes,) the node to the right; 0 in a leaf."""
    value: Numbers
    """(nodes, numbers) what a leaf adds."""
    output: Places
    """(trees,) which score a leaf's first number is added to."""
    base: Numbers
    """(outputs,) scores to begin with."""

    @property
    def outputs(self) -> int:
        """How many scores a row gets."""
        return len(self.base)

    @cached_property
    def tree(self) -> Places:
        """(nodes,) the tree of each node."""
        return np.repeat(np.arange(len(self.root)), np.diff([*self.root, len(self.feature)]))

    @cached_property
    def levels(self) -> Sequence[Places]:
        """The nodes that ask, by their distance from the root."""
        levels = []
        nodes = self.root
        while len(nodes := nodes[self.feature[nodes] >= 0]):
            levels.append(nodes)
            nodes = np.concatenate([self.left[nodes], self.right[nodes]])
        return levels


@dataclass(frozen=True, kw_only=True)
class SymmetricTable:
    """Trees that ask one question on each level: whether a number is there and above a threshold."""

    MOST_LEVELS: ClassVar = MOST_WIDTH

    feature: Places
    """(trees, depth) the column that is asked."""
    threshold: Numbers
    """(trees, depth) what it is compared with."""
    value: Numbers
    """(trees, 2^depth, outputs) what leaves add; the answers to a tree's questions are the bits of a leaf's number."""
    base: Numbers
    """(outputs,) scores to begin with."""

    @property
    def outputs(self) -> int:
        """How many scores a row gets."""
        return len(self.base)


def lay_out(table: TreeTable | SymmetricTable) -> Layout | None:
    """Return the circuit of trees; None: one has too many leaves."""
    if isinstance(table, SymmetricTable):
        return _lay_out_symmetric(table)
    numbering = _Numbering(table)
    if int(numbering.width.max()) > MOST_WIDTH:
        return None
    asks = np.flatnonzero(table.feature >= 0)
    questions, asked = _find_questions(table.feature[asks], table.threshold[asks])
    question = np.full(len(table.feature), NO, dtype=np.intp)
    question[asks] = asked
    first = _end_of(questions)
    wiring = _Wiring(table, numbering, question, first)
    return Layout(
        base=table.base + _sum_single_leaves(table),
        questions=questions,
        chunks=tuple(wiring.chunks()),
        places=first + max(wiring.sizes, default=0),
    )


def _sum_single_leaves(table: TreeTable) -> Numbers:
    """Return what trees add that ask nothing: (outputs,)."""
    trees = np.flatnonzero(table.feature[table.root] < 0)
    total = np.zeros(table.outputs)
    for place, numbers in enumerate(table.value[table.root[trees]].T):
        np.add.at(total, table.output[trees] + place, numbers)
    return total.astype(np.float32)


def _lay_out_symmetric(table: SymmetricTable) -> Layout:
    questions, asked = _find_questions(table.feature.ravel(), table.threshold.ravel())
    # Here an answer is yes where the number is at most the threshold: all bits are the others.
    entries = np.moveaxis(table.value[:, ::-1], 2, 0).reshape(table.outputs, -1)
    lookup = Lookup(planes=asked.reshape(table.feature.shape), entries=np.ascontiguousarray(entries), output=0)
    chunk = Chunk(choices=(), lookups=(lookup,))
    return Layout(base=table.base, questions=questions, chunks=(chunk,), places=_end_of(questions))


def _find_questions(feature: Places, threshold: Numbers) -> tuple[tuple[Question, ...], Places]:
    """Return the different questions, and where the answers to each of those given lie."""
    # One number for both is sorted much faster than pairs are.
    pairs = feature.astype(np.uint64) << np.uint64(32) | np.ascontiguousarray(threshold).view(np.uint32)
    different, which = np.unique(pairs, return_inverse=True)
    features, begin = np.unique(different >> np.uint64(32), return_index=True)
    thresholds = different.astype(np.uint32).view(np.float32)
    questions = tuple(
        Question(feature=int(column), begin=FIRST + int(first), thresholds=group[:, None])
        for column, first, group in zip(features, begin, np.split(thresholds, begin)[1:], strict=True)
    )
    return questions, FIRST + which.astype(np.intp)


def _end_of(questions: Sequence[Question]) -> int:
    return questions[-1].begin + len(questions[-1].thresholds) if questions else FIRST


class _Numbering:
    """The numbers of trees' leaves."""

    def __init__(self, table: TreeTable) -> None:
        self.is_leaf = table.feature < 0
        leaves = self.is_leaf.astype(np.intp)
        self.height = np.zeros(len(leaves), dtype=np.intp)
        """(nodes,) 0 of leaves, of others one more than the greatest below."""
        for nodes in reversed(table.levels):
            left, right = table.left[nodes], table.right[nodes]
            leaves[nodes] = leaves[left] + leaves[right]
            self.height[nodes] = 1 + np.maximum(self.height[left], self.height[right])
        rank = np.zeros(len(leaves), dtype=np.intp)
        for nodes in table.levels:
            rank[table.left[nodes]] = rank[nodes]
            rank[table.right[nodes]] = rank[nodes] + leaves[table.left[nodes]]
        self.width = np.frexp(leaves[table.root] - 1)[1].astype(np.intp)
        """(trees,) how many bits the numbers have."""
        self.code = rank ^ (rank >> 1)
        """(nodes,) a leaf's number; of another node, that of one of its leaves."""
        self._swap_pairs(table, leaves)
        self._rank, self._last = rank.astype(np.int32), (rank + leaves - 1).astype(np.int32)

    def _swap_pairs(self, table: TreeTable, leaves: Places) -> None:
        """Give the left of two leaves the number with the bit that the right one's lacks: the answer is that bit."""
        nodes = np.flatnonzero(~self.is_leaf & (leaves == 2))
        left, right = table.left[nodes], table.right[nodes]
        codes = self.code[left], self.code[right]
        self.code[left], self.code[right] = np.maximum(*codes), np.minimum(*codes)

    def find_varying(self, bits: int) -> NDArray[np.bool_]:
        """Tell for each bit of a node's number whether it depends on where a row goes: (nodes, bits)."""
        half = (1 << np.arange(bits)).astype(np.int32)
        # Bit k of the Gray code changes at the odd multiples of 2^k.
        varies: NDArray[np.bool_] = (self._last[:, None] + half) // (2 * half) > (self._rank[:, None] + half) // (
            2 * half
        )
        return varies


class _Wiring:
    """Which bits are chosen from which."""

    def __init__(self, table: TreeTable, numbering: _Numbering, question: Places, first: int) -> None:
        self._table = table
        self._numbering = numbering
        self._first = first
        bits = int(numbering.width.max())
        varies = numbering.find_varying(bits)
        place = ((numbering.code[:, None] >> np.arange(bits)) & 1).astype(np.int32)
        node, bit = np.nonzero(varies & ~numbering.is_leaf[:, None])
        left, right = table.left[node], table.right[node]
        is_answer = (place[left, bit] == YES) & (place[right, bit] == NO) & ~varies[left, bit] & ~varies[right, bit]
        place[node[is_answer], bit[is_answer]] = question[node[is_answer]]
        node, bit = node[~is_answer], bit[~is_answer]
        self._chunk = self._divide(np.bincount(table.tree[node], minlength=len(table.root)))
        order = np.lexsort((numbering.height[node], self._chunk[table.tree[node]]))
        node, bit = node[order], bit[order]
        chunk = self._chunk[table.tree[node]]
        self._begin = np.searchsorted(chunk, np.arange(int(self._chunk[-1]) + 2))
        self.sizes = np.diff(self._begin).tolist()
        """How many choices each chunk has."""
        place[node, bit] = first + np.arange(len(node)) - self._begin[chunk]
        self._height = numbering.height[node]
        self._condition = question[node]
        self._if_met = place[table.left[node], bit].astype(np.intp)
        self._if_not = place[table.right[node], bit].astype(np.intp)
        self._root_bits = place[table.root].astype(np.intp)

    @staticmethod
    def _divide(counts: NDArray[np.intp]) -> Places:
        """Return the chunk of each tree, by how many choices it has."""
        chunks: Places = (np.cumsum(counts) - counts) // CHUNK_CHOICES
        return np.unique(chunks, return_inverse=True)[1].astype(np.intp)

    def chunks(self) -> Iterator[Chunk]:
        """Yield all trees, some at once."""
        for number in range(int(self._chunk[-1]) + 1):
            trees = np.flatnonzero(self._chunk == number)
            yield Chunk(choices=tuple(self._choices(number)), lookups=tuple(self._lookups(trees)))

    def _choices(self, number: int) -> Iterator[Choices]:
        begin, end = self._begin[number : number + 2].tolist()
        cuts = begin + 1 + np.flatnonzero(np.diff(self._height[begin:end]))
        edges = [begin, *cuts.tolist(), end] if end > begin else []
        for low, high in pairwise(edges):
            yield Choices(
                begin=self._first + low - begin,
                condition=self._condition[low:high],
                if_met=self._if_met[low:high],
                if_not=self._if_not[low:high],
            )

    def _lookups(self, trees: Places) -> Iterator[Lookup]:
        """Yield the lookups of some trees that follow each other: one for each score and number of bits."""
        width, output = self._numbering.width[trees], self._table.output[trees]
        entries = self._entries(trees)
        for bits, score in sorted({pair for pair in zip(width.tolist(), output.tolist(), strict=True) if pair[0]}):
            same = np.flatnonzero((width == bits) & (output == score))
            yield self._combine(trees[same], bits, [entries[place] for place in same.tolist()], score)

    def _entries(self, trees: Places) -> list[NDArray[np.float64]]:
        """Return for each tree what its leaf numbers stand for: (2^bits, numbers)."""
        table, numbering = self._table, self._numbering
        sizes = 1 << numbering.width[trees]
        begin = np.cumsum(sizes) - sizes
        end = table.root[trees[-1] + 1] if trees[-1] + 1 < len(table.root) else len(table.feature)
        leaves = table.root[trees[0]] + np.flatnonzero(numbering.is_leaf[table.root[trees[0]] : end])
        entries = np.zeros((int(sizes.sum()), table.value.shape[1]))
        entries[begin[table.tree[leaves] - trees[0]] + numbering.code[leaves]] = table.value[leaves]
        return np.split(entries, begin[1:])

    def _combine(self, trees: Places, bits: int, entries: list[NDArray[np.float64]], output: int) -> Lookup:
        """Return the lookup of trees whose numbers have so many bits: as many at once as fit into a byte."""
        together = max(BYTE // bits, 1)
        missing = -len(trees) % together
        planes = np.concatenate([self._root_bits[trees, :bits], np.full((missing, bits), NO, dtype=np.intp)])
        values = np.stack([*entries, *[np.zeros_like(entries[0])] * missing])
        values = values.reshape(-1, together, *values.shape[1:])
        number = np.arange(1 << bits * together)
        alone = [values[:, place, (number >> bits * place) & ((1 << bits) - 1)] for place in range(together)]
        total = np.sum(alone, axis=0)
        return Lookup(
            planes=planes.reshape(-1, bits * together),
            entries=np.ascontiguousarray(np.moveaxis(total, 2, 0).reshape(values.shape[-1], -1), dtype=np.float32),
            output=output,
        )
