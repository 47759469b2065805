from __future__ import annotations

from pathlib import Path

import pytest

from gyropilot.settings import Settings, read_settings

FILLED = Settings(
    home=Path("/srv/gyropilot"),
    host="0.0.0.0",
    port=9000,
    region="eu-central-1",
    account_id="123456789012",
    quotas="aws",
    database_url="postgresql+psycopg://gyropilot@db/gyropilot",
    s3_endpoint="https://s3.example.org",
    s3_domains="localhost,gyropilot.example.org",
    max_running_jobs=4,
    worker_cores=2,
    lease_seconds=2.5,
    max_attempts=5,
    reports="none",
    event_webhook_url="https://hooks.example/gyropilot?token=t",
)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings({})
    assert settings == Settings(home=Path("~/.gyropilot").expanduser().resolve())
    assert (settings.host, settings.port) == ("127.0.0.1", 8437)


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    assert read_settings({"GYROPILOT_HOME": str(tmp_path), "GYROPILOT_PORT": ""}) == Settings(home=tmp_path.resolve())


def test_the_environment_of_settings_reads_back_as_the_same_settings() -> None:
    assert read_settings(FILLED.environment()) == FILLED


def test_every_setting_is_filled_in_the_round_trip_above() -> None:
    defaults = Settings(home=Path())
    assert [name for name in FILLED.__dataclass_fields__ if getattr(FILLED, name) == getattr(defaults, name)] == []


def test_the_home_is_absolute_and_knows_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert read_settings({"GYROPILOT_HOME": "~/state"}).home == tmp_path.resolve() / "state"
    assert read_settings({"GYROPILOT_HOME": "state"}).home == tmp_path.resolve() / "state"


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("PORT", "http", "must be int"),
        ("PORT", "65536", "must be 0 to 65535"),
        ("PORT", "-1", "must be 0 to 65535"),
        ("ACCOUNT_ID", "1234", "must be 12 digits"),
        ("ACCOUNT_ID", "12345678901a", "must be 12 digits"),
        ("MAX_RUNNING_JOBS", "0", "must be at least 1"),
        ("MAX_ATTEMPTS", "0", "must be at least 1"),
        ("LEASE_SECONDS", "0", "must be above 0"),
        ("LEASE_SECONDS", "soon", "must be float"),
    ],
)
def test_a_value_without_meaning_is_refused_with_variable_rule_and_value(variable: str, value: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"GYROPILOT_{variable} {rule}.*{value}"):
        read_settings({f"GYROPILOT_{variable}": value})


def test_reports_are_all_or_none() -> None:
    with pytest.raises(ValueError, match="GYROPILOT_REPORTS must be one of all, none, not 'some'"):
        read_settings({"GYROPILOT_REPORTS": "some"})


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_lease_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="GYROPILOT_LEASE_SECONDS"):
        read_settings({"GYROPILOT_LEASE_SECONDS": value})


def test_a_negative_number_of_cores_is_refused() -> None:
    with pytest.raises(ValueError, match="GYROPILOT_WORKER_CORES"):
        read_settings({"GYROPILOT_WORKER_CORES": "-1"})


@pytest.mark.parametrize("value", ["hooks.example", "ftp://hooks.example", "https://", "http://[", "file:///etc"])
def test_a_webhook_that_is_no_web_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="GYROPILOT_EVENT_WEBHOOK_URL must begin with http"):
        read_settings({"GYROPILOT_EVENT_WEBHOOK_URL": value})


def test_an_account_of_foreign_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="GYROPILOT_ACCOUNT_ID"):
        read_settings({"GYROPILOT_ACCOUNT_ID": "١٢٣٤٥٦٧٨٩٠١٢"})
