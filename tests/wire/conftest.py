from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gyropilot import Session
from tests.wire.installation import Installation, run_installation
from tests.wire.sdk import TABLE, make_home


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with run_installation() as running:
        yield running


# --- the SDK ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody has a defaults file, and boto3 is pointed nowhere."""
    for name in ("SAGEMAKER_USER_CONFIG_OVERRIDE", "SAGEMAKER_ADMIN_CONFIG_OVERRIDE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def open_session(installation: Installation, home: Path) -> Callable[..., Session]:
    return lambda **options: Session(endpoint_url=installation.url, home=home, **options)


@pytest.fixture
def session(open_session: Callable[..., Session]) -> Session:
    return open_session()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path
