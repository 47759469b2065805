from __future__ import annotations

import re
from pathlib import Path

import pytest

from gyropilot.cli.create_job import name_job

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")


@pytest.mark.parametrize(
    "path", ["churn.csv", "Bank Marketing (2014).csv.gz", "--.csv", "x" * 99 + ".csv", "ünïcode.csv", ".csv"]
)
def test_a_job_is_named_after_its_file(path: str) -> None:
    name = name_job(Path(path))
    assert NAME.fullmatch(name)
    assert len(name) <= 32
