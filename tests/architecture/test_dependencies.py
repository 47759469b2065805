from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.markers import Marker

from tests.architecture.repository import PACKAGE, ROOT, imported_modules, sources

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-networks.lock")
LOCK_OF_CLIENTS = "requirements-clients.lock"
"""It is installed by itself and need not agree with the others."""
LOCK_OF_IMAGE = "requirements-serving.lock"
"""What the Dockerfile installs."""
IMPORTED_AS = {
    "prometheus-client": "prometheus_client",
    "python-dateutil": "dateutil",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "xgboost-cpu": "xgboost",
}
LOADED_BY_NAME = {"httptools", "uvloop"}
"""Uvicorn imports these two by itself when they are there."""


def requirement_name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert match, requirement
    return match.group().lower().replace("_", "-")


def declared_with_comments() -> dict[str, str]:
    """Return each run-time dependency and the comment on its line in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.partition("\ndependencies = [\n")[2].partition("\n]")[0]
    lines = re.findall(r'^\s*"([^"]+)",(?:\s*#\s*(.*))?$', block, re.MULTILINE)
    return {requirement_name(requirement): comment for requirement, comment in lines}


def pins(lock: str) -> dict[str, str]:
    """Return what a lock file pins for this platform and this Python."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pinned = [line.partition(" ; ") for line in lines if line and not line.startswith("#")]
    return dict(name.split("==") for name, _, marker in pinned if not marker or Marker(marker).evaluate())


def test_every_dependency_is_read() -> None:
    assert list(declared_with_comments()) == [requirement_name(text) for text in PROJECT["dependencies"]]


@pytest.mark.parametrize(("name", "comment"), declared_with_comments().items())
def test_every_dependency_names_the_files_that_use_it(name: str, comment: str) -> None:
    places = [place.strip() for place in comment.partition(":")[0].split(",")]
    assert places != [""], f"{name} has no comment"
    if name in LOADED_BY_NAME:
        return
    module = IMPORTED_AS.get(name, name)
    for place in places:
        path = PACKAGE / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        assert any(module == used.partition(".")[0] for file in files for used in imported_modules(file)), (
            f"pyproject.toml says that {place} uses {name}, but nothing there imports {module}"
        )


def test_every_import_from_outside_is_declared() -> None:
    declared = {IMPORTED_AS.get(name, name) for name in declared_with_comments()}
    optional = {
        IMPORTED_AS.get(requirement_name(text), requirement_name(text))
        for extra, requirements in PROJECT["optional-dependencies"].items()
        for text in requirements
        if extra != "dev"
    }
    known = declared | optional | set(sys.stdlib_module_names) | {"gyropilot"}
    for path in sources():
        unknown = {name.partition(".")[0] for name in imported_modules(path)} - known
        if path.is_relative_to(PACKAGE / "testing"):
            unknown -= {"pytest", "hypothesis"}  # the suites run under the plug-in author's own pytest
        assert not unknown, f"{path.relative_to(ROOT)} imports {unknown}, which pyproject.toml does not declare"


@pytest.mark.parametrize("lock", [*LOCKS, LOCK_OF_CLIENTS, LOCK_OF_IMAGE])
def test_a_lock_file_holds_exact_versions_and_nothing_else(lock: str) -> None:
    pattern = re.compile(
        r"[a-z0-9.-]+==[0-9][A-Za-z0-9.+]*( ; MARKER( (and|or) MARKER)*)?".replace(
            "MARKER", r"[a-z_]+ [!=<>]=? '[A-Za-z0-9.]+'"
        )
    )
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and not pattern.fullmatch(line)] == []
    assert [line for line in lines if line.startswith("#") and ("/" in line or "://" in line)] == []


def test_the_locks_hold_what_is_declared_and_agree() -> None:
    runtime, everything, build, networks = (pins(lock) for lock in LOCKS)
    development, extra = (
        {requirement_name(text) for text in PROJECT["optional-dependencies"][name]} for name in ("dev", "networks")
    )
    assert set(declared_with_comments()) <= set(runtime)
    assert development <= set(everything)
    assert extra <= set(networks)
    assert runtime.items() <= everything.items()
    assert all(everything.get(name, version) == version for name, version in (build | networks).items())


def test_the_image_of_the_model_server_has_versions_of_the_other_lock() -> None:
    image = pins(LOCK_OF_IMAGE)
    assert {requirement_name(text) for text in PYPROJECT["dependency-groups"]["serving"]} <= set(image)
    assert image.items() <= pins("requirements.lock").items()


def test_the_clients_have_a_lock_of_their_own() -> None:
    assert {requirement_name(text) for text in PYPROJECT["dependency-groups"]["clients"]} <= set(pins(LOCK_OF_CLIENTS))
    script = (ROOT / "tools" / "prepare_clients.sh").read_text(encoding="utf-8")
    assert f"-r {LOCK_OF_CLIENTS}" in script
    packages = json.loads((ROOT / "tests/clients/javascript/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_environment_of_the_tests_has_the_locked_versions() -> None:
    different = {}
    for name, pinned in (pins("requirements-dev.lock") | pins("requirements-networks.lock")).items():
        try:
            if version(name).partition("+")[0] != pinned:  # a local version names a build
                different[name] = (pinned, version(name))
        except PackageNotFoundError:
            continue  # a marker left it out on this platform
    assert different == {}


def test_the_makefile_installs_every_lock() -> None:
    text = Path(ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(lock in text for lock in LOCKS)
