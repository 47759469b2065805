"""Texts as numbers: what their words, and the letters within these, have in common with those of other texts.

A text is the set of its words in lower case. Each word has a vector, and a text is the sum of its words' vectors,
divided by the root of the sum of their squared weights: TF-IDF on the directions of a truncated singular value
decomposition. Only numpy and the standard library are needed, and a text's numbers do not depend on which texts are
encoded with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

MAX_CHARACTERS = 20_000
"""What follows in a longer text is not read."""
MAX_WORD = 40
"""Of longer words, the first letters count."""
TEXTS_AT_ONCE = 2000

_WORD = re.compile(r"\w+|[^\w\s]")

Numbers = NDArray[np.float64]


def split_words(text: str) -> list[str]:
    """Return the different words of a text in lower case, punctuation marks among them, as they first occur."""
    found = _WORD.findall(text[:MAX_CHARACTERS].lower())
    return list(dict.fromkeys(word[:MAX_WORD] for word in found))


def split_word(word: str, sizes: Sequence[int]) -> list[str]:
    """Return the runs of so many letters within a word, whose ends are marked by spaces."""
    marked = f" {word} "
    return [marked[first : first + size] for size in sizes for first in range(len(marked) - size + 1)]


class TextSpace:
    """The vectors of words, or of runs of letters within words.

    Args:
        terms: the words or runs that have one, as bytes of UTF-8 with a line feed between them.
        weights: (terms,) how much each counts: its inverse document frequency.
        directions: (terms, components) their coordinates.
        sizes: lengths of the runs; empty for words.
    """

    def __init__(
        self,
        terms: NDArray[np.uint8],
        weights: NDArray[np.float32],
        directions: NDArray[np.float16],
        sizes: NDArray[np.uint8],
    ) -> None:
        if directions.ndim != 2 or not len(weights) == len(directions) == bytes(terms).count(b"\n") + 1:
            raise ValueError(f"a text space has {len(weights)} weights and directions of shape {directions.shape}")
        if sizes.ndim != 1:
            raise ValueError(f"a text space has sizes of shape {sizes.shape}")
        self.terms = terms
        self.weights = weights
        self.directions = directions
        self.sizes = sizes

    @property
    def components(self) -> int:
        """How many numbers a text becomes."""
        return int(self.directions.shape[1])

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each term stands."""
        return {term: place for place, term in enumerate(bytes(self.terms).decode().split("\n"))}

    @cached_property
    def _vectors(self) -> Numbers:
        """(terms, components + 1): the weighted directions, and the weight's square."""
        weights = self.weights.astype(np.float64)[:, None]
        return np.concatenate([weights * self.directions, weights**2], axis=1)

    def embed(self, words: Sequence[str]) -> Numbers:
        """Return each word's vector, and its squared weight after it: (words, components + 1)."""
        find = self.places.get
        if not len(self.sizes):
            known = [[place] if (place := find(word)) is not None else [] for word in words]
        else:
            sizes = self.sizes.tolist()
            known = [[p for term in split_word(word, sizes) if (p := find(term)) is not None] for word in words]
        return sum_groups(self._vectors, known)


def sum_groups(vectors: Numbers, groups: Sequence[Sequence[int]]) -> Numbers:
    """Return for each group the sum of its rows of a matrix, in a way that does not depend on the other groups."""
    sums = np.zeros((len(groups), vectors.shape[1]))
    sizes = np.array([len(group) for group in groups])
    filled = np.flatnonzero(sizes)
    if len(filled):
        places = np.fromiter(chain.from_iterable(groups), dtype=np.int64, count=int(sizes.sum()))
        begin = (np.cumsum(sizes) - sizes)[filled]
        sums[filled] = np.add.reduceat(vectors[places], begin, axis=0)
    return sums


def embed_texts(texts: Sequence[str], spaces: Iterable[TextSpace]) -> Numbers:
    """Return the components of texts in several spaces, side by side."""
    spaces = list(spaces)
    parts = [_embed_some(texts[first : first + TEXTS_AT_ONCE], spaces) for first in range(0, len(texts), TEXTS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty((0, sum(space.components for space in spaces)))


def _embed_some(texts: Sequence[str], spaces: list[TextSpace]) -> Numbers:
    split = [split_words(text) for text in texts]
    places = {word: place for place, word in enumerate(dict.fromkeys(chain.from_iterable(split)))}
    groups = [[places[word] for word in words] for words in split]
    parts = []
    for space in spaces:
        sums = sum_groups(space.embed(list(places)), groups)
        norms = np.sqrt(sums[:, -1:])
        parts.append(sums[:, :-1] / np.where(norms > 0, norms, 1))
    return np.concatenate(parts, axis=1)
