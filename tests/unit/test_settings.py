"""Settings: what is read, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import SETTING_NAMES, TWILIO, Settings, is_local
from outreach.core.errors import SettingsError

KEY = base64.b64encode(bytes(range(32))).decode()
OLD_KEY = base64.b64encode(bytes(range(32, 64))).decode()
REHEARSAL_KEY = base64.b64encode(b"rehearsal" + bytes(23)).decode()

PRODUCTION = {
    "DATABASE_URL": "postgres://ada:pass-word@db/outreach",
    "REDIS_URL": "redis://:red-word@cache:6379/0",
    "TWILIO_ACCOUNT_SID": "AC" + "0a" * 16,
    "TWILIO_AUTH_TOKEN": "token-word-of-ours",
    "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0b" * 16,
    "PUBLIC_BASE_URL": "https://campaign.example.org/",
    "SECRET_KEY": "s" * 48,
    "FIELD_ENCRYPTION_KEYS": f"2026-11:{KEY}, 2025:{OLD_KEY}",
    "BLIND_INDEX_KEY": OLD_KEY,
}
REHEARSAL = PRODUCTION | {
    "OUTREACH_MODE": "rehearsal",
    "DATABASE_URL": "sqlite:////tmp/rehearsal.db",
    "REDIS_URL": "unix:///tmp/redis.sock",
    "TWILIO_BASE_URL": "http://127.0.0.1:9000",
    "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
    "REHEARSAL_CLOCK": "1000/2000/60",
    "SECRET_KEY": "rehearsal-" + "s" * 40,
    "FIELD_ENCRYPTION_KEYS": f"rehearsal-1:{KEY}",
    "BLIND_INDEX_KEY": REHEARSAL_KEY,
}


def refusal(values: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping(values)
    return str(refused.value)


def test_production_settings_are_read() -> None:
    settings = Settings.from_mapping(PRODUCTION)
    assert settings.mode == "production"
    assert settings.database_url == "postgresql+psycopg://ada:pass-word@db/outreach"
    assert settings.twilio_base_url == TWILIO
    assert settings.public_base_url == "https://campaign.example.org"
    assert list(settings.field_keys.items()) == [("2026-11", bytes(range(32))), ("2025", bytes(range(32, 64)))]
    assert settings.index_key == bytes(range(32, 64))
    assert (settings.twilio_opt_out, settings.port, settings.web_concurrency) == ("default", 8000, 2)
    assert (settings.clock.epoch_real, settings.clock.speed) == (0.0, 1.0)


def test_rehearsal_settings_are_read() -> None:
    settings = Settings.from_mapping(REHEARSAL | {"PORT": "8123"})
    assert settings.mode == "rehearsal"
    assert str(settings.clock) == "1000.0/2000.0/60.0"
    assert settings.port == 8123


def test_the_environment_is_read_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTING_NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SENTRY_DSN", "")
    assert Settings.from_environment() == Settings.from_mapping(PRODUCTION)
    assert "DATABASE_URL is not set" in refusal({"PORT": "8000"})
    assert "DATABASE_URL is not set" in refusal({})


def test_the_example_names_every_setting() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assert [name for name in SETTING_NAMES if name not in example] == []


def test_settings_are_frozen() -> None:
    settings = Settings.from_mapping(PRODUCTION)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_no_secret_is_printed() -> None:
    settings = Settings.from_mapping(PRODUCTION | {"SENTRY_DSN": "https://dsn-word@errors.example.org/1"})
    shown = repr(settings) + str(settings)
    words = ["pass-word", "red-word", "token-word", "s" * 48, KEY, OLD_KEY, "dsn-word", repr(bytes(range(32)))[2:-1]]
    assert [word for word in words if word in shown] == []


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"TWILIO_MESSAGING_SERVICE_SID"}))
@pytest.mark.parametrize("mode", [PRODUCTION, REHEARSAL])
def test_a_missing_setting_is_named(name: str, mode: dict[str, str]) -> None:
    message = refusal({key: value for key, value in mode.items() if key != name})
    assert f"{name} is not set" in message
    assert message.count("\n  - ") == 1


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("OUTREACH_MODE", "prod", "'rehearsal' or 'production'"),
        ("DATABASE_URL", "mysql://host/name", "postgresql://"),
        ("DATABASE_URL", "outreach.db", "sqlite:///"),
        ("REDIS_URL", "localhost:6379", "redis://"),
        ("TWILIO_ACCOUNT_SID", "AC123", "AC and 32"),
        ("TWILIO_ACCOUNT_SID", "MG" + "0a" * 16, "AC and 32"),
        ("TWILIO_MESSAGING_SERVICE_SID", "AC" + "0a" * 16, "MG and 32"),
        ("TWILIO_FROM_NUMBER", "(480) 555-0100", "E.164"),
        ("TWILIO_OPT_OUT", "off", "'default', 'advanced' or 'none'"),
        ("PUBLIC_BASE_URL", "https://", "whole address"),
        ("PUBLIC_BASE_URL", "https://host:port", "whole address"),
        ("PUBLIC_BASE_URL", "https://host/?a=1", "whole address"),
        ("SECRET_KEY", "short", "32 characters"),
        ("FIELD_ENCRYPTION_KEYS", KEY, "id:key"),
        ("FIELD_ENCRYPTION_KEYS", "a:c2hvcnQ=", "32 bytes"),
        ("FIELD_ENCRYPTION_KEYS", f"a:{KEY},a:{OLD_KEY}", "key id a twice"),
        ("BLIND_INDEX_KEY", "not base64!", "32 bytes"),
        ("PORT", "http", "1-65535"),
        ("PORT", "70000", "1-65535"),
        ("WEB_CONCURRENCY", "0", "1-256"),
    ],
)
def test_a_wrong_setting_is_named_alone_with_how_to_mend_it(name: str, value: str, mend: str) -> None:
    message = refusal(PRODUCTION | {name: value})
    assert message.count("\n  - ") == 1
    assert name in message
    assert mend in message


def test_all_problems_come_at_once_without_their_values() -> None:
    message = refusal({"SECRET_KEY": "hunter2", "BLIND_INDEX_KEY": "hunter3", "PORT": "x", "REHEARSAL_CLOCK": "1/2/60"})
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "BLIND_INDEX_KEY", "PORT", "REHEARSAL_CLOCK"):
        assert name in message
    assert "hunter" not in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"REHEARSAL_CLOCK": "1/2/60"}, "REHEARSAL_CLOCK"),
        ({"TWILIO_BASE_URL": "http://api.twilio.com"}, "TWILIO_BASE_URL"),
        ({"TWILIO_BASE_URL": "https://api.twilio.com.example.org"}, "TWILIO_BASE_URL"),
        ({"TWILIO_BASE_URL": "https://api.twilio.com@example.org"}, "TWILIO_BASE_URL"),
        ({"TWILIO_BASE_URL": "http://127.0.0.1:9000"}, "TWILIO_BASE_URL"),
        ({"FIELD_ENCRYPTION_KEYS": f"rehearsal-1:{KEY}"}, "FIELD_ENCRYPTION_KEYS"),
        ({"FIELD_ENCRYPTION_KEYS": f"2026:{KEY},rehearsal-1:{OLD_KEY}"}, "FIELD_ENCRYPTION_KEYS"),
        ({"SECRET_KEY": "rehearsal-" + "s" * 40}, "SECRET_KEY"),
        ({"BLIND_INDEX_KEY": REHEARSAL_KEY}, "BLIND_INDEX_KEY"),
        ({"PUBLIC_BASE_URL": "http://campaign.example.org"}, "PUBLIC_BASE_URL"),
    ],
)
def test_production_refuses_what_belongs_to_a_rehearsal(change: dict[str, str], named: str) -> None:
    assert named in refusal(PRODUCTION | change)


@pytest.mark.parametrize("url", [TWILIO, "https://api.dublin.ie1.twilio.com", "https://8.8.8.8", ""])
def test_a_rehearsal_never_reaches_the_real_carrier(url: str) -> None:
    assert "TWILIO_BASE_URL" in refusal(REHEARSAL | {"TWILIO_BASE_URL": url})


def test_a_rehearsal_is_not_published() -> None:
    assert "PUBLIC_BASE_URL" in refusal(REHEARSAL | {"PUBLIC_BASE_URL": "https://campaign.example.org"})


def test_a_sender_is_needed() -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != "TWILIO_MESSAGING_SERVICE_SID"}
    assert "TWILIO_FROM_NUMBER" in refusal(without)
    assert Settings.from_mapping(without | {"TWILIO_FROM_NUMBER": "+14805550100"}).twilio_messaging_service_sid is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "10.1.2.3", "carrier", "a.localhost"])
def test_local_hosts(host: str) -> None:
    assert is_local(f"http://{host}:9000")


@given(st.text(max_size=80))
def test_any_text_in_any_setting_is_an_answer_not_a_crash(text: str) -> None:
    for name in SETTING_NAMES:
        try:
            Settings.from_mapping(PRODUCTION | {name: text})
        except SettingsError as error:
            assert name in str(error) or "OUTREACH_MODE" in str(error) or "TWILIO_FROM_NUMBER" in str(error)
