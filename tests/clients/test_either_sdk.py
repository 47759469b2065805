"""One script, run with the SageMaker SDK and with Gyropilot's classes against one server: both are told the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running import ROOT, RunningServer
from tests.clients.programs import FOLDER, PROGRAMS, SECONDS, Shell

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2 * SECONDS)]

STAMP = re.compile(r"-\d{4}(-\d\d){5}-\d{3}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(\+\d\d:\d\d)?")
PASSING = {"ResponseMetadata", "Timestamp"}
"""Members that are another one in each answer."""


@pytest.fixture(scope="module")
def reports(shell: Shell, server: RunningServer, tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each package was told; the two run at once."""
    arguments = [tables / "people.csv", tables / "asked.csv"]
    folder = tmp_path_factory.mktemp("gyropilot")
    other = shell.start("sagemaker_sdk/either.py", "sagemaker", "either-one", *arguments)
    ours = subprocess.run(
        [sys.executable, FOLDER / "sagemaker_sdk" / "either.py", "gyropilot", "either-two", *arguments, "report.json"],
        cwd=folder,
        env={**os.environ, **shell.variables, "GYROPILOT_HOME": str(server.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ours.returncode == 0, ours.stderr
    return other.report(), json.loads((folder / "report.json").read_text())


def neutral(document: Any, name: str) -> Any:
    """Return a document without what differs between two runs: names, moments, durations and latencies."""
    if isinstance(document, dict):
        return {key: neutral(value, name) for key, value in document.items() if key not in PASSING}
    if isinstance(document, list):
        kept = [entry for entry in document if not _is_latency(entry)]
        return [neutral(entry, name) for entry in kept]
    if isinstance(document, str):
        return MOMENT.sub("MOMENT", STAMP.sub("-STAMP", document.replace(name, "NAME")))
    return document


def _is_latency(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("StandardMetricName") == "InferenceLatency"


KEYS = sorted(
    re.findall(
        r'^\s*(?:told\[|attempt\()\s*"(\w+)"', (FOLDER / "sagemaker_sdk" / "either.py").read_text(), re.MULTILINE
    )
)


@pytest.mark.parametrize("key", KEYS)
def test_both_packages_are_told_the_same(reports: Any, key: str) -> None:
    other, ours = (
        neutral(report[key], name) for report, name in zip(reports, ("either-one", "either-two"), strict=True)
    )
    assert ours == other


def test_the_record_of_the_sagemaker_sdk_is_still_true() -> None:
    program = ROOT / "tools" / "record_sagemaker_sdk.py"
    taken = subprocess.run([PROGRAMS / "python", program], capture_output=True, check=True, timeout=SECONDS).stdout
    recorded = (ROOT / "tests" / "data" / "sagemaker-sdk.json").read_bytes()
    assert json.loads(taken) == json.loads(recorded)
