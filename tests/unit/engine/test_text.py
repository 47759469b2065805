"""Texts as numbers: what they have in common counts, and each text's numbers are its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyropilot.engine.features.encoders import TextEncoder
from gyropilot.engine.features.text import MAX_CHARACTERS, TextSpace, embed_texts, split_word, split_words
from gyropilot.engine.features.text_fitting import (
    LETTER_COMPONENTS,
    MAX_TERMS,
    SIZES,
    TEXTS_PER_COMPONENT,
    WORD_COMPONENTS,
    fit_text_spaces,
)

SEA = ["ship", "sailor", "harbour", "wave", "anchor", "island"]
KITCHEN = ["butter", "oven", "flour", "sugar", "recipe", "bread"]


def make_texts(count: int) -> list[str]:
    random = np.random.default_rng(3)
    topics = [SEA, KITCHEN]
    return [f"The {' '.join(random.choice(topics[row % 2], size=6))} nr{row % 50}." for row in range(count)]


TEXTS = make_texts(600)
WORDS, LETTERS = fit_text_spaces(TEXTS)


def test_words_are_told_apart_in_any_script() -> None:
    assert split_words("Don't stop, don't! ÉCOLE 北京 :)") == [
        *("don", "'", "t", "stop", ",", "!", "école", "北京", ":", ")"),
    ]
    assert split_words("a" * MAX_CHARACTERS + " never read") == ["a" * 40]
    assert split_words(" \n ") == []
    assert split_word("ab", (3, 4, 5)) == [" ab", "ab ", " ab "]


def test_texts_of_a_topic_are_alike() -> None:
    assert WORDS is not None
    assert LETTERS is not None
    for space in (WORDS, LETTERS):
        first, second, other = embed_texts(["ship wave anchor", "sailor harbour island", "oven flour bread"], [space])
        assert first @ second > 3 * abs(first @ other)
    sailing, ship, oven = embed_texts(["ships sailors", "ship sailor", "oven"], [LETTERS])
    assert sailing @ ship > 3 * abs(sailing @ oven)  # words that were never seen are spelt like some that were


def test_numbers_are_those_of_tf_idf_on_right_singular_vectors() -> None:
    assert WORDS is not None
    matrix = np.zeros((len(TEXTS), len(WORDS.places)))
    for row, text in enumerate(TEXTS):
        for word in split_words(text):
            if word in WORDS.places:
                matrix[row, WORDS.places[word]] = WORDS.weights[WORDS.places[word]]
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    numbers = embed_texts(TEXTS, [WORDS])
    np.testing.assert_allclose(numbers, matrix @ WORDS.directions.astype(float), atol=1e-9)
    kept, exact = (numbers**2).sum(), (np.linalg.svd(matrix)[1] ** 2)[: WORDS.components].sum()
    assert kept == pytest.approx(exact, rel=0.01)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("shipwaveoven. !É"), max_size=40) | st.sampled_from(TEXTS), max_size=20))
def test_a_text_has_the_same_numbers_alone_and_among_others(texts: list[str]) -> None:
    encoder = TextEncoder(name="t", measures=("words", "marks"), words=WORDS, letters=LETTERS)
    together = encoder.encode_many(texts)
    assert together.shape == (len(texts), len(encoder.outputs))
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_array_equal(encoder.encode(text), row)


def test_missing_texts_are_empty_ones_and_unseen_words_add_nothing() -> None:
    encoder = TextEncoder(name="t", words=WORDS, letters=None)
    assert not any(encoder.encode(None))
    assert encoder.encode("") == encoder.encode(None) == encoder.encode(math.nan)
    assert encoder.encode("qqq zzz") == (7, 2, *[0.0] * (len(encoder.outputs) - 2))
    assert encoder.encode("ship qqq")[2:] == encoder.encode("Ship")[2:]
    assert encoder.encode(3.0) == encoder.encode("3")


def test_measures_are_lengths_and_shares() -> None:
    encoder = TextEncoder(name="t", measures=("characters", "words", "capitals", "digits", "marks"))
    assert encoder.outputs == ("t: characters", "t: words", "t: capitals", "t: digits", "t: marks")
    assert encoder.encode("Oh NO 42!!") == (10, 3, 0.3, 0.2, 0.2)
    with pytest.raises(ValueError, match="not 'weight'"):
        TextEncoder(name="t", measures=("weight",))


def test_few_texts_have_few_components_and_sizes_are_bounded() -> None:
    assert fit_text_spaces([]) == (None, None)
    assert fit_text_spaces(["all the same words"] * 3) == (None, None)
    words, letters = fit_text_spaces(make_texts(4 * TEXTS_PER_COMPONENT))
    assert words is not None
    assert letters is not None
    assert (words.components, letters.components) == (4, 2)
    random = np.random.default_rng(0)
    many = [" ".join(map(str, random.integers(20_000, size=30))) for _ in range(4000)]
    words, letters = fit_text_spaces(many, share=0.5)
    assert words is not None
    assert letters is not None
    assert (words.components, letters.components) == (WORD_COMPONENTS // 2, LETTER_COMPONENTS // 2)
    assert len(words.weights) <= MAX_TERMS
    assert tuple(letters.sizes) == SIZES


def test_spaces_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 weights and directions of shape \(2, 3\)"):
        TextSpace(
            terms=np.frombuffer(b"a\nb", dtype=np.uint8),
            weights=np.ones(1, dtype=np.float32),
            directions=np.ones((2, 3), dtype=np.float16),
            sizes=np.empty(0, dtype=np.uint8),
        )
