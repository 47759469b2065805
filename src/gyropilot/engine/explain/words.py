"""Which words of a text moved the prediction: the column's Shapley value, shared out among its words.

A text is built up from nothing to what it is, some words at a time, in a random order and in that order backwards,
while the row's other columns stay as they are. What words that come together add is shared equally among them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from gyropilot.engine.budget import Deadline
from gyropilot.engine.explain.explanation import WordEffects
from gyropilot.engine.explain.game import Game, Matrix, Numbers
from gyropilot.engine.features.encoders import TextEncoder, spell

MAX_TEXTS = 500
"""So many texts are looked at, as far as the time allows."""
MAX_CHARACTERS = 2000
"""What follows in a longer text is not taken apart: it is always there."""
STEPS = 24
"""A text is built up in so many steps at most."""
TEXTS_AT_ONCE = 20
FEWEST_TEXTS = 3
"""A word that fewer texts have says little about others."""
MAX_WORDS = 50

_WORD = re.compile(r"\w+")


def explain_words(
    game: Game, base: Matrix, column: int, texts: list[str | None], *, seed: int = 0, deadline: Deadline | None = None
) -> WordEffects:
    """Return how far the words of a column of texts moved predictions.

    Args:
        game: the model.
        base: (n, base features) the rows' numbers.
        column: the place of the column's encoder.
        texts: (n,) the column's cells.
        seed: which orders are drawn.
        deadline: when no further texts are looked at; the first ones are.
    """
    deadline = deadline or Deadline()
    encoder = game.encoder.encoders[column]
    assert isinstance(encoder, TextEncoder)
    filled = [row for row, text in enumerate(texts) if text is not None and _WORD.search(spell(text))][:MAX_TEXTS]
    effects: dict[str, list[Numbers]] = defaultdict(list)
    looked_at = 0
    random = np.random.default_rng([seed, column])
    for first in range(0, len(filled), TEXTS_AT_ONCE):
        if first and deadline.seconds_left <= 0:
            break
        rows = filled[first : first + TEXTS_AT_ONCE]
        looked_at += len(rows)
        walks = [_Walk.draw(spell(texts[row] or ""), row, random) for row in rows]
        for word, effect in _follow(game, encoder, base, column, walks):
            effects[word].append(effect)
    return _sum_up(encoder.name, effects, looked_at, game.baseline_predictions.shape[1])


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A text, an order of its words, and where the steps begin."""

    text: str
    row: int
    words: list[str]
    starts: list[int]

    @classmethod
    def draw(cls, text: str, row: int, random: np.random.Generator) -> _Walk:
        words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text[:MAX_CHARACTERS])))
        random.shuffle(words)
        steps = min(STEPS, len(words))
        return cls(text=text, row=row, words=words, starts=[len(words) * step // steps for step in range(steps)])

    def build(self) -> list[str]:
        """Return the text without words, with the first words, and so on to the whole, then the complements."""
        sets = [set(self.words[:count]) for count in (*self.starts, len(self.words))]
        every = set(self.words)
        return [self._keep(kept) for kept in (*sets, *(every - kept for kept in sets))]

    def _keep(self, kept: set[str]) -> str:
        if not kept:
            return ""  # as an empty cell, which the column's own value is compared with
        head, tail = self.text[:MAX_CHARACTERS], self.text[MAX_CHARACTERS:]
        return _WORD.sub(lambda found: found[0] if found[0].lower() in kept else "", head) + tail


def _follow(
    game: Game, encoder: TextEncoder, base: Matrix, column: int, walks: list[_Walk]
) -> list[tuple[str, Numbers]]:
    """Return each word of each text with its effect (labels,)."""
    built = [walk.build() for walk in walks]
    mixed = np.repeat(base[[walk.row for walk in walks]], [len(texts) for texts in built], axis=0)
    mixed[:, game.column_of == column] = encoder.encode_many([text for texts in built for text in texts])
    found = np.split(game.predict(mixed), np.cumsum([len(texts) for texts in built])[:-1])
    effects = []
    for walk, predictions in zip(walks, found, strict=True):
        there, back = np.split(predictions, 2)
        gains = (np.diff(there, axis=0) - np.diff(back, axis=0)) / 2
        ends = [*walk.starts[1:], len(walk.words)]
        for start, end, gain in zip(walk.starts, ends, gains, strict=True):
            effects += [(word, gain / (end - start)) for word in walk.words[start:end]]
    return effects


def _sum_up(name: str, effects: dict[str, list[Numbers]], texts: int, labels: int) -> WordEffects:
    counts = Counter({word: len(found) for word, found in effects.items() if len(found) >= FEWEST_TEXTS})
    # The more texts have a word, the surer its effect; but frequent words of little effect say nothing.
    moved = {
        word: float(np.abs(np.mean(effects[word], axis=0)).sum() * math.sqrt(count)) for word, count in counts.items()
    }
    words = tuple(sorted(moved, key=lambda word: (-moved[word], word))[:MAX_WORDS])
    return WordEffects(
        column=name,
        words=words,
        effects=np.array([np.mean(effects[word], axis=0) for word in words]).reshape(len(words), labels),
        counts=tuple(counts[word] for word in words),
        texts=texts,
    )
