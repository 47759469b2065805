from __future__ import annotations

from typing import Any

import pytest

from gyropilot.service.errors import InvalidRequestError
from gyropilot.service.json_paths import NoSuchPartError, parse_json_path

ROW = ["id", "a", "b", "c"]
DOCUMENT = {"id": 7, "features": {"x": [1, 2, 3], "y z": None}, "list": [{"n": 1}, {"n": 2}]}


@pytest.mark.parametrize(
    ("path", "document", "picked"),
    [
        ("", ROW, ROW),
        ("$", ROW, ROW),
        ("$[0]", ROW, "id"),
        ("$[-1]", ROW, "c"),
        ("$[0,-1]", ROW, ["id", "c"]),
        ("$[ 2 , 0 ]", ROW, ["b", "id"]),
        ("$[1:]", ROW, ["a", "b", "c"]),
        ("$[:-1]", ROW, ["id", "a", "b"]),
        ("$[1:3]", ROW, ["a", "b"]),
        ("$[9:]", ROW, []),
        ("$[:]", ROW, ROW),
        ("$[*]", ROW, ROW),
        ("$.id", DOCUMENT, 7),
        ("$['id']", DOCUMENT, 7),
        ("$.features.x[1]", DOCUMENT, 2),
        ("$.features['y z']", DOCUMENT, None),
        ('$.features["y z"]', DOCUMENT, None),
        ("$['id','list']", DOCUMENT, {"id": 7, "list": DOCUMENT["list"]}),
        ("$.list[*].n", DOCUMENT, [1, 2]),
        ("$.list[0,1].n", DOCUMENT, [1, 2]),
        ("$.list[:1].n", DOCUMENT, [1]),
        ("$.features.*", DOCUMENT, [[1, 2, 3], None]),
    ],
)
def test_picks(path: str, document: Any, picked: Any) -> None:
    assert parse_json_path(path, "InputFilter").pick(document) == picked


@pytest.mark.parametrize(
    ("path", "document", "words"),
    [
        ("$[4]", ROW, "there is no element 4: there are 4"),
        ("$[0,-5]", ROW, "there is no element -5"),
        ("$.a", ROW, "an array has no members, 'a' is asked for"),
        ("$.a", DOCUMENT, "there is no member 'a'"),
        ("$['id','a']", DOCUMENT, "there is no member 'a'"),
        ("$[0]", DOCUMENT, "an object has no elements"),
        ("$.id[0]", DOCUMENT, "the value 7 has no elements"),
        ("$.id.*", DOCUMENT, "the value 7 has no elements"),
    ],
)
def test_what_is_not_there_is_named(path: str, document: Any, words: str) -> None:
    with pytest.raises(NoSuchPartError, match=words):
        parse_json_path(path, "InputFilter").pick(document)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a", "must begin with"),
        ("$a", "'a' cannot be read"),
        ("$..a", "'..a' cannot be read"),
        ("$[]", "cannot be read"),
        ("$[a]", "cannot be read"),
        ("$[1:2:3]", "cannot be read"),
        ("$[?(@.a)]", "cannot be read"),
        ("$['a", "cannot be read"),
        ("$['a','b'].c", "several names can only stand at its end"),
        ("$.a.", "'.' cannot be read"),
    ],
)
def test_what_is_no_path_is_refused_by_the_fields_name(path: str, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^OutputFilter '.+' is not a valid JSONPath: ") as error:
        parse_json_path(path, "OutputFilter")
    assert words in str(error.value)
