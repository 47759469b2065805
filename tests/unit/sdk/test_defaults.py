from __future__ import annotations

import json
from pathlib import Path

import pytest

from gyropilot.sdk import SessionError
from gyropilot.sdk.defaults import ADMIN_VARIABLE, BUCKET, ROLE, USER_VARIABLE, find_default, read_defaults
from gyropilot.sdk.sagemaker_config import write_sagemaker_config


@pytest.fixture(autouse=True)
def _no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_there_need_be_no_file() -> None:
    assert read_defaults({}) == {}


def test_the_users_file_is_found_in_its_usual_place(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "sagemaker"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("SageMaker: {AutoMLJob: {RoleArn: mine}}")
    assert find_default(read_defaults({}), ROLE) == "mine"


def test_what_the_user_says_wins_member_by_member(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("SageMaker: {AutoMLJob: {RoleArn: theirs, Tags: [a]}, Model: {}}")
    (tmp_path / "user.yaml").write_text("SageMaker: {AutoMLJob: {RoleArn: mine}}")
    found = read_defaults({ADMIN_VARIABLE: str(tmp_path), USER_VARIABLE: str(tmp_path / "user.yaml")})
    assert found == {"SageMaker": {"AutoMLJob": {"RoleArn": "mine", "Tags": ["a"]}, "Model": {}}}


def test_the_file_that_gyropilot_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sagemaker-config.yaml"
    write_sagemaker_config(path, bucket="ours", role_arn="arn")
    found = read_defaults({USER_VARIABLE: str(path)})
    assert (find_default(found, BUCKET), find_default(found, ROLE)) == ("ours", "arn")
    assert json.loads(path.read_text()) == found


@pytest.mark.parametrize("path", ["SageMaker.Nothing", "SageMaker.AutoMLJob.RoleArn.Deeper", "Nothing.At.All"])
def test_what_is_not_there_is_none(path: str) -> None:
    assert find_default({"SageMaker": {"AutoMLJob": {"RoleArn": "mine"}}}, path) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [("a: [", "are no YAML"), ("- a", "must be a mapping"), ("!!python/object:os.system {}", "are no YAML")],
)
def test_a_broken_file_is_told(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "broken.yaml").write_text(content)
    with pytest.raises(SessionError, match=words):
        read_defaults({USER_VARIABLE: str(tmp_path / "broken.yaml")})


@pytest.mark.parametrize(
    ("named", "words"), [("/nowhere.yaml", "does not exist"), ("s3://bucket/c.yaml", "copy it here")]
)
def test_a_named_file_must_be_there(named: str, words: str) -> None:
    with pytest.raises(SessionError, match=words):
        read_defaults({USER_VARIABLE: named})
