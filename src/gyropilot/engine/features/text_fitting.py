"""Finds the directions in which texts differ most: latent semantic analysis of their words and of their letters.

The decomposition is that of Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithm 4.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gyropilot.engine.features.text import Numbers, TextSpace, split_word, split_words

SAMPLE = 20_000
"""Texts that are looked at."""
MAX_TERMS = 8192
RAREST = 3
"""Terms in fewer texts than this have no vector."""
WORD_COMPONENTS = 64
LETTER_COMPONENTS = 32
TEXTS_PER_COMPONENT = 25
"""Fewer texts than this for each component say too little of it."""
SIZES = (3, 4, 5)
"""Lengths of the runs of letters."""

_OVERSAMPLING = 10
_ITERATIONS = 4


def fit_text_spaces(texts: Sequence[str], share: float = 1.0, *, seed: int = 0) -> tuple[TextSpace | None, ...]:
    """Return the space of words and that of letters; None where the texts are too few, or have nothing in common.

    Args:
        texts: those that are not missing.
        share: what part of the usual number of components each may have.
        seed: which of many texts are looked at, and where the decomposition starts.
    """
    random = np.random.default_rng(seed)
    if len(texts) > SAMPLE:
        texts = [texts[row] for row in np.sort(random.choice(len(texts), SAMPLE, replace=False))]
    split = [split_words(text) for text in texts]
    words = list(dict.fromkeys(chain.from_iterable(split)))
    places = {word: place for place, word in enumerate(words)}
    incidence = _matrix([[places[word] for word in each] for each in split], len(words))
    counts: Numbers = np.asarray(incidence.sum(axis=0), dtype=np.float64).ravel()
    few = len(texts) // TEXTS_PER_COMPONENT
    return (
        _fit_words(words, counts, incidence, min(round(WORD_COMPONENTS * share), few), random),
        _fit_letters(words, counts, incidence, min(round(LETTER_COMPONENTS * share), few // 2), random),
    )


def _fit_words(
    words: list[str], counts: Numbers, incidence: csr_array, components: int, random: np.random.Generator
) -> TextSpace | None:
    kept = _choose(words, counts)
    weights = _weigh(counts[kept], incidence.shape[0])
    matrix = incidence[:, kept].multiply(weights).tocsr()
    norms = _norms(incidence[:, kept] @ weights**2)
    return _fit(
        [words[place] for place in kept],
        weights,
        (),
        components,
        lambda right: norms * (matrix @ right),
        lambda left: matrix.T @ (norms * left),
        random,
    )


def _fit_letters(
    words: list[str], counts: Numbers, incidence: csr_array, components: int, random: np.random.Generator
) -> TextSpace | None:
    split = [split_word(word, SIZES) for word in words]
    runs = list(dict.fromkeys(chain.from_iterable(split)))
    places = {run: place for place, run in enumerate(runs)}
    spelling = _matrix([[places[run] for run in each] for each in split], len(runs))
    # Two words of one text may share a run: it is then counted twice, but never more often than there are texts.
    frequency = np.minimum(spelling.T @ counts, incidence.shape[0])
    kept = _choose(runs, frequency)
    weights = _weigh(frequency[kept], incidence.shape[0])
    matrix = spelling[:, kept].multiply(weights).tocsr()
    norms = _norms(incidence @ (spelling[:, kept] @ weights**2))
    return _fit(
        [runs[place] for place in kept],
        weights,
        SIZES,
        components,
        lambda right: norms * (incidence @ (matrix @ right)),
        lambda left: matrix.T @ (incidence.T @ (norms * left)),
        random,
    )


def _choose(terms: list[str], counts: Numbers) -> NDArray[np.int64]:
    """Return the places of the terms that are kept, the most frequent first."""
    often = np.flatnonzero(counts >= RAREST)
    ranked = sorted(often.tolist(), key=lambda place: (-counts[place], terms[place]))
    return np.array(ranked[:MAX_TERMS], dtype=np.int64)


def _weigh(counts: Numbers, texts: int) -> Numbers:
    """Return inverse document frequencies, as single precision keeps them."""
    return (1 + np.log((1 + texts) / (1 + counts))).astype(np.float32).astype(np.float64)


def _norms(squares: Numbers) -> Numbers:
    """Return what each text is multiplied by: (texts, 1)."""
    return np.where(squares > 0, 1 / np.sqrt(np.where(squares > 0, squares, 1)), 0)[:, None]


def _matrix(rows: list[list[int]], columns: int) -> csr_array:
    """Return the matrix that counts how often each number occurs in each row."""
    lengths = [len(row) for row in rows]
    places = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=sum(lengths))
    return csr_array((np.ones(len(places)), places, np.cumsum([0, *lengths])), shape=(len(rows), columns))


def _orthonormalise(columns: Numbers) -> Numbers:
    """Return columns of length 1 at right angles that span the same; by products alone, which are quick."""
    for _ in range(2):  # once leaves what rounding of the squares has lost
        squares, turned = np.linalg.eigh(columns.T @ columns)
        columns = columns @ (turned / np.sqrt(np.maximum(squares, 1e-12 * squares[-1])))
    return columns


def _fit(
    terms: list[str],
    weights: Numbers,
    sizes: Sequence[int],
    components: int,
    apply: Callable[[Numbers], Numbers],
    apply_transposed: Callable[[Numbers], Numbers],
    random: np.random.Generator,
) -> TextSpace | None:
    """Return the space of the first right singular vectors of a matrix (texts, terms) that is known by its products."""
    components = min(components, len(terms) - 1)
    if components < 1:
        return None
    width = min(components + _OVERSAMPLING, len(terms))
    basis = _orthonormalise(random.normal(size=(len(terms), width)))
    for _ in range(_ITERATIONS):
        basis = _orthonormalise(apply_transposed(_orthonormalise(apply(basis))))
    image = apply(basis)
    directions = basis @ np.linalg.eigh(image.T @ image)[1][:, ::-1][:, :components]
    return TextSpace(
        terms=np.frombuffer("\n".join(terms).encode(), dtype=np.uint8),
        weights=weights.astype(np.float32),
        directions=directions.astype(np.float16),
        sizes=np.array(sizes, dtype=np.uint8),
    )
