from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import click
import psutil
import pytest

from gyropilot.settings import Settings
from tests.architecture.repository import PACKAGE, ROOT, documents, table_names

DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NO_FILES = {"utils.py", "helpers.py", "common.py"}
"""Named because there are none."""
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
EXAMPLE = re.compile(r"<!-- tested -->\n```python\n(.*?)```", re.DOTALL)


def heading_anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find_examples() -> list[tuple[str, str]]:
    """Return every Python block that is marked as tested, under its document's name and number."""
    return [
        (f"{document.relative_to(ROOT)}#{number}", code)
        for document in documents()
        for number, code in enumerate(EXAMPLE.findall(document.read_text(encoding="utf-8")), 1)
    ]


def commands() -> list[tuple[str, click.Command]]:
    from gyropilot.cli.main import cli

    context = click.Context(cli)
    found = [(name, cli.get_command(context, name)) for name in cli.list_commands(context)]
    return [(name, command) for name, command in sorted(found) if command is not None]


def commands_of(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """Return a command or, of a group, the commands inside, under their full names."""
    if not isinstance(command, click.Group):
        return [(name, command)]
    return [found for inner, child in command.commands.items() for found in commands_of(f"{name} {inner}", child)]


def test_every_setting_is_documented_with_its_default() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(GYROPILOT_[A-Z0-9_]+)` \| (\S*?) ?\|", text, re.MULTILINE))
    settings = Settings(home=Path("~/.gyropilot"))
    expected = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    assert rows == {
        f"GYROPILOT_{name.upper()}": f"`{value}`" if value != "" else "" for name, value in expected.items()
    }


def test_every_setting_is_documented_in_the_words_of_the_code() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    described = re.findall(r'^    [a-z0-9_]+: .+\n    """(.+?)\.?"""$', inspect.getsource(Settings), re.MULTILINE)
    assert len(described) == len(Settings.__dataclass_fields__)
    for sentence in described:
        assert re.sub(r"`([a-z0-9_]+)`", lambda name: f"`GYROPILOT_{name.group(1).upper()}`", sentence) in text


def test_the_documented_operations_are_those_that_are_served() -> None:
    from gyropilot.api.operations.catalogue import SERVED

    served = {f"{operation.service}:{operation.name}" for operation in SERVED}
    documented: set[str] = set()
    for section in (DOCS / "operations.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        service = re.search(r"\(`([a-z0-9-]+)`\)", section.partition("\n")[0])
        if service:
            operations = re.findall(r"^\| `([A-Za-z0-9]+)`", section.partition("\n### ")[0], re.MULTILINE)
            documented |= {f"{service.group(1)}:{name}" for name in operations}
    assert documented == served


def test_every_algorithm_is_documented() -> None:
    from gyropilot.engine.algorithms.catalogue import ALGORITHMS

    assert {*ALGORITHMS} <= {*table_names(DOCS / "algorithms.md")}


def test_every_metric_is_documented() -> None:
    from gyropilot.engine.metrics.catalogue import METRICS

    known = {metric.name for metrics in METRICS.values() for metric in metrics}
    assert known <= {*table_names(DOCS / "algorithms.md")}


def test_everything_that_a_user_of_the_library_may_say_is_documented() -> None:
    from gyropilot.engine import Budget, GyropilotClassifier, GyropilotRegressor, Task

    text = (DOCS / "python.md").read_text(encoding="utf-8")
    named = {*table_names(DOCS / "python.md")}
    assert {*Task.__dataclass_fields__, *Budget.__dataclass_fields__} <= named
    for estimator in (GyropilotClassifier, GyropilotRegressor):
        assert [name for name in estimator().get_params() if f"`{name}`" not in text] == []


def test_every_class_of_the_sdk_is_documented() -> None:
    from gyropilot import sdk

    text = (DOCS / "sdk.md").read_text(encoding="utf-8")
    assert [name for name in sdk.__all__ if f"`{name}" not in text] == []


def test_every_error_of_the_engine_that_users_meet_is_documented() -> None:
    from gyropilot.engine import errors

    inside = {"EngineError", "LaneError"}
    known = {name for name, kind in vars(errors).items() if isinstance(kind, type)} - inside
    assert known <= {*table_names(DOCS / "python.md")}


def test_every_member_of_a_model_is_documented() -> None:
    from gyropilot.engine.bundle.manifest import Figure, Manifest, Provenance
    from gyropilot.engine.features.table_encoder import TableEncoder

    text = (DOCS / "model-format.md").read_text(encoding="utf-8")
    for kind in (Manifest, Figure, Provenance, TableEncoder):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in text, f"{kind.__name__}.{name} is not documented"


def test_every_encoder_derivation_and_step_is_documented() -> None:
    from gyropilot.engine.features.derivations import Derivation
    from gyropilot.engine.features.encoders import Encoder
    from gyropilot.engine.features.recipes.steps import Step

    text = (DOCS / "model-format.md").read_text(encoding="utf-8")
    for kind in (*get_args(Encoder), *get_args(Derivation), *get_args(Step)):
        row = re.search(rf"^\| `{kind.__struct_config__.tag}` \|.*$", text, re.MULTILINE)
        assert row, f"{kind.__name__} is not documented"
        assert [name for name in kind.__struct_fields__ if name != "name" and f"`{name}`" not in row.group()] == []


def test_every_stage_of_a_model_is_documented() -> None:
    from gyropilot.engine.bundle.stages import AlgorithmFacts, FeatureStage, LabelStage

    text = (DOCS / "model-format.md").read_text(encoding="utf-8").partition("## In stages")[2]
    for kind in (FeatureStage, AlgorithmFacts, LabelStage):
        row = re.search(rf"^\| `{kind.__struct_config__.tag}` \|.*$", text, re.MULTILINE)
        assert row, f"{kind.__name__} is not documented"
        assert [name for name in kind.__struct_fields__ if f"`{name}`" not in row.group()] == []


def test_every_step_of_recipes_and_every_tuned_parameter_is_documented() -> None:
    from gyropilot.engine.features.recipes.catalogue import STEPS
    from gyropilot.engine.search.spaces import PARAMETERS

    text = (DOCS / "tuning.md").read_text(encoding="utf-8")
    assert {*STEPS} <= {*table_names(DOCS / "tuning.md")}
    assert [name for names in PARAMETERS.values() for name in names if f"`{name}`" not in text] == []


def test_the_documented_clients_are_those_of_the_lock_files() -> None:
    pins: dict[str, str] = {}
    for lock in ("requirements.lock", "requirements-clients.lock"):
        pins |= dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
    packages = json.loads((ROOT / "tests/clients/javascript/package-lock.json").read_text(encoding="utf-8"))["packages"]
    pins |= {name.removeprefix("node_modules/"): package.get("version", "") for name, package in packages.items()}
    rows = dict(
        re.findall(r"^\| `([^`]+)` \| (\d\S+) \|", (DOCS / "clients.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = [re.split("[<>=]", text)[0] for text in PROJECT["dependency-groups"]["clients"]]
    assert set(rows) == {"boto3", *named, *packages[""]["dependencies"]}
    assert rows == {name: pins[name] for name in rows}


def test_every_command_is_documented_with_its_options() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    sections = {section.partition("\n")[0]: section for section in text.split("\n## ")[1:]}
    for name, command in commands():
        section = sections.get(f"gyropilot {name}")
        assert section, f"docs/cli.md has no section on gyropilot {name}"
        for full_name, inner in commands_of(name, command):
            assert f"gyropilot {full_name}" in section, f"gyropilot {full_name} is not documented"
            for parameter in inner.params:
                if isinstance(parameter, click.Option) and parameter.name != "help":
                    option = parameter.opts[0]
                    assert f"`{option}" in section, f"{option} of gyropilot {full_name} is not documented"
    assert {heading for heading in sections if heading.startswith("gyropilot ")} == {
        f"gyropilot {name}" for name, _ in commands()
    }


@pytest.mark.parametrize("document", [*DOCS.glob("*.md"), ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(document: Path) -> None:
    """A name may be relative to the repository, the package, the engine or generated modules, or of some folder."""
    generated = PACKAGE / "worker/definitions/templates/module"
    places = [ROOT, PACKAGE, PACKAGE / "engine", generated, *(path for path in PACKAGE.iterdir() if path.is_dir())]
    for name in re.findall(r"`([a-z_./]+\.py)`", document.read_text(encoding="utf-8")):
        assert any((place / name).exists() for place in places) or name in NO_FILES, f"{document.name} names {name}"


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets
    assert [target for target in targets if f"make {target} " not in help_text] == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in LINK.findall(text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.relative_to(ROOT)} links to {target}"
        if anchor:
            assert anchor in heading_anchors(path), f"{document.relative_to(ROOT)} links to {target}"


@pytest.mark.parametrize(("name", "code"), find_examples(), ids=[name for name, _ in find_examples()])
def test_examples_run(name: str, code: str, tmp_path: Path) -> None:
    """Run a block as a reader would: with the examples at hand, in a folder that may be written to."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")
    run_script(script, tmp_path, name)


@pytest.mark.parametrize("name", ["with_pandas.py", "with_scikit_learn.py"])
def test_example_scripts_run(name: str, tmp_path: Path) -> None:
    """The quickstart, which needs a server, is run by `make demo`."""
    run_script(ROOT / "examples" / name, tmp_path, name)


def run_script(script: Path, folder: Path, name: str) -> None:
    environment = {**os.environ, "GYROPILOT_HOME": str(folder / "home"), "GYROPILOT_PORT": "0"}
    try:
        run = subprocess.run(
            [sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        stop_server(folder / "home")
    assert run.returncode == 0, f"{name}: {run.stderr}"


def stop_server(home: Path) -> None:
    """End the server that an example's session started, if it did: it would outlive the test."""
    announcement = home / "server.json"
    if announcement.exists():
        server = psutil.Process(json.loads(announcement.read_text())["pid"])
        server.terminate()
        server.wait(60)


def test_every_example_is_listed() -> None:
    listed = {*table_names(ROOT / "examples" / "README.md")}
    assert {path.name for path in (ROOT / "examples").glob("*.py")} <= listed
