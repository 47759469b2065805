from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.repository import PACKAGE, ROOT, sources

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base", "core", "manager"}
LAYERS = {"engine", "service", "api", "storage", "execution", "server", "worker", "serving", "sdk", "cli", "testing"}


def test_the_package_holds_the_layers_of_the_design_and_nothing_else() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert folders == LAYERS
    assert files == {"__init__.py", "py.typed", "settings.py"}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_is_named_for_what_it_does(path: Path) -> None:
    assert path.stem not in SAYS_NOTHING
    assert path.parent.name not in SAYS_NOTHING


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci/run"]
)
def test_the_repository_has_its_front_door(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_every_example_file_names_its_source_and_license() -> None:
    text = (ROOT / "examples" / "data" / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "examples" / "data").glob("*.csv")):
        section = text.partition(f"\n## {path.name}\n")[2].partition("\n## ")[0]
        assert section, f"{path.name} has no section"
        assert any(license_name in section for license_name in ("CC BY 4.0", "MIT"))
        assert "https://" in section
