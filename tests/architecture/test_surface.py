from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tests.architecture.test_docs import commands

SURFACE = {
    "gyropilot.engine": {
        "Budget",
        "Choice",
        "ColumnKind",
        "Files",
        "GyropilotClassifier",
        "GyropilotRegressor",
        "Mode",
        "Model",
        "Pipeline",
        "Predictor",
        "ProblemType",
        "Range",
        "Task",
        "Trial",
        "Tuning",
        "fit",
        "load",
        "print_progress",
        "recommend",
        "run",
    },
    "gyropilot.sdk": {
        "AutoML",
        "AutoMLDataChannel",
        "AutoMLImageClassificationConfig",
        "AutoMLInput",
        "AutoMLJob",
        "AutoMLJobV2",
        "AutoMLTabularConfig",
        "AutoMLTextClassificationConfig",
        "AutoMLTextGenerationConfig",
        "AutoMLTimeSeriesForecastingConfig",
        "AutoMLV2",
        "BaseDeserializer",
        "BaseSerializer",
        "BytesDeserializer",
        "CSVDeserializer",
        "CSVSerializer",
        "CandidateEstimator",
        "CandidateStep",
        "CapacityError",
        "DataSerializer",
        "IdentitySerializer",
        "JSONDeserializer",
        "JSONLinesDeserializer",
        "JSONLinesSerializer",
        "JSONSerializer",
        "LibSVMSerializer",
        "LocalAutoMLDataChannel",
        "Model",
        "NoBestCandidateError",
        "NumpyDeserializer",
        "NumpySerializer",
        "PandasDeserializer",
        "PipelineModel",
        "Predictor",
        "ServerStartError",
        "Session",
        "SessionError",
        "SimpleBaseDeserializer",
        "SimpleBaseSerializer",
        "StreamDeserializer",
        "StringDeserializer",
        "StringSerializer",
        "Transformer",
        "UnexpectedStatusException",
    },
}
"""What users may import. A change here is a change of the public surface: it belongs into the changelog."""
COMMANDS = [
    "candidates",
    "completion",
    "deploy",
    "describe",
    "doctor",
    "endpoints",
    "env",
    "evaluate",
    "export",
    "fit",
    "invoke",
    "jobs",
    "leaderboard",
    "logs",
    "predict",
    "report",
    "serve",
    "stop",
    "transform",
    "users",
    "version",
]


@pytest.mark.parametrize("module", SURFACE)
def test_the_public_names_are_chosen(module: str) -> None:
    assert set(importlib.import_module(module).__all__) == SURFACE[module]


@pytest.mark.parametrize("module", SURFACE)
def test_every_public_name_is_there_and_says_what_it_is(module: str) -> None:
    home = importlib.import_module(module)
    for name in SURFACE[module]:
        assert isinstance(getattr(home, name), str) or getattr(home, name).__doc__


@pytest.mark.parametrize("first", ["gyropilot.engine.runs", "gyropilot.engine.bundle.load", "gyropilot.engine"])
def test_a_public_name_of_the_engine_is_no_module_whatever_was_imported_before(first: str) -> None:
    names = ", ".join(sorted(SURFACE["gyropilot.engine"]))
    code = f"import {first}\nfrom gyropilot.engine import {names}\nprint(*[type(name).__name__ for name in ({names})])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "module" not in run.stdout.split()


def test_the_classes_of_the_sdk_are_imported_from_the_package_itself() -> None:
    import gyropilot

    sdk = importlib.import_module("gyropilot.sdk")
    assert {name for name in dir(gyropilot) if name in SURFACE["gyropilot.sdk"]} == SURFACE["gyropilot.sdk"]
    assert all(getattr(gyropilot, name) is getattr(sdk, name) for name in sdk.__all__)
    with pytest.raises(ImportError):
        importlib.import_module("gyropilot.AutoML")
    with pytest.raises(AttributeError, match="has no attribute 'AutoMl'"):
        gyropilot.AutoMl  # noqa: B018  # the mistake


def test_the_commands_are_chosen() -> None:
    assert [name for name, _ in commands()] == COMMANDS


def test_every_command_says_what_it_does() -> None:
    assert [name for name, command in commands() if not command.help] == []


def test_the_help_lists_every_command_in_its_own_words() -> None:
    from gyropilot.cli.main import SECTIONS

    lines = {name: line for section in SECTIONS.values() for name, line in section.items()}
    assert sorted(lines) == COMMANDS
    assert [name for name, line in lines.items() if not line.endswith(".")] == []
