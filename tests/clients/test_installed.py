"""The clients are those that the lock files name, so that what the tests say is about these versions."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import distributions

import pytest

from tests.acceptance.running import ROOT
from tests.clients.programs import FOLDER, PACKAGES, PROGRAMS, require

pytestmark = pytest.mark.clients


def test_the_python_packages_are_the_locked_ones() -> None:
    require(PROGRAMS / "python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([PROGRAMS / "python", "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    installed = {found.name.lower().replace("_", "-"): found.version for found in distributions(path=[place])}
    lines = (ROOT / "requirements-clients.lock").read_text().splitlines()
    pinned = [line.split("==") for line in lines if "==" in line and ";" not in line]
    assert {name: installed.get(name) for name, _ in pinned} == dict(pinned)


def test_the_packages_of_javascript_are_the_locked_ones() -> None:
    require(PACKAGES)

    def versions(text: str) -> dict[str, str]:
        packages = json.loads(text)["packages"]
        return {name: package["version"] for name, package in packages.items() if "version" in package}

    locked = versions((FOLDER / "javascript" / "package-lock.json").read_text())
    assert versions((PACKAGES / ".package-lock.json").read_text()) == locked
