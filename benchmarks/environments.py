"""Virtual environments of the systems that are compared, each with packages of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venvs"
REQUIREMENTS = ROOT / "benchmarks" / "tabular_systems"
STAMP = "installed.txt"
"""What was installed; another list of packages makes the environment anew."""


def prepare_environment(name: str) -> Path:
    """Return the Python of an environment, after making it when it is not there or of other packages."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    steps = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == steps:
        return python
    print(f"making the environment of {name}: this downloads its packages", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    _install(python, [line for line in steps.splitlines() if line and not line.startswith("#")])
    stamp.write_text(steps, encoding="utf-8")
    return python


def _install(python: Path, requirements: list[str]) -> None:
    """Install one requirement after the other; the exact pins among them bind those that follow."""
    constraints = python.parents[1] / "constraints.txt"
    pinned = [requirement for requirement in requirements if "==" in requirement and "[" not in requirement]
    constraints.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for requirement in requirements:
        subprocess.run([*command, "--constraint", str(constraints), requirement], check=True)
