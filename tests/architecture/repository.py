"""The repository as the tests in this folder see it: its files, what they import, what its documents say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "gyropilot"


@cache
def sources() -> tuple[Path, ...]:
    """Return every module of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def documents() -> tuple[Path, ...]:
    """Return every Markdown file that the repository holds."""
    folders = ("docs", "examples", "benchmarks")
    return (*sorted(ROOT.glob("*.md")), *sorted(path for folder in folders for path in (ROOT / folder).rglob("*.md")))


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports when it runs, wherever in the file it does so."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    left_out = {id(inner) for node in for_types for statement in node.body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def table_names(document: Path) -> list[str]:
    """Return what the first cell of each table row of a document holds in backticks."""
    return re.findall(r"^\| `([^`|]+)`", document.read_text(encoding="utf-8"), re.MULTILINE)
