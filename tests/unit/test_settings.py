"""Settings: what is read, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import base64
import secrets
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import SETTING_NAMES, TWILIO, Settings, is_local
from config.unsafe import EXAMPLES, exposed_file, is_guessable, is_patterned
from outreach.core.errors import SettingsError

RAW, OLD_RAW, INDEX_RAW = (bytes(number * 37 % 251 ^ start for number in range(1, 33)) for start in (7, 90, 201))
KEY, OLD_KEY, INDEX_KEY = (base64.b64encode(raw).decode() for raw in (RAW, OLD_RAW, INDEX_RAW))
SECRET = "Yk7sPq2vN9wXc4RtLm8ZbHd3JfGa6TuE1oQi5KxVnCyWrBzM"
REHEARSAL_KEY = base64.b64encode(b"rehearsal" + bytes(23)).decode()

PRODUCTION = {
    "DATABASE_URL": "postgres://ada:pass-word@db/outreach",
    "REDIS_URL": "redis://:red-word@cache:6379/0",
    "TWILIO_ACCOUNT_SID": "AC" + "0a" * 16,
    "TWILIO_AUTH_TOKEN": "token-word-of-ours",
    "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0b" * 16,
    "PUBLIC_BASE_URL": "https://calls.example.org/",
    "SECRET_KEY": SECRET,
    "FIELD_ENCRYPTION_KEYS": f"2026-11:{KEY}, 2025:{OLD_KEY}",
    "BLIND_INDEX_KEY": INDEX_KEY,
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
    assert settings.public_base_url == "https://calls.example.org"
    assert list(settings.field_keys.items()) == [("2026-11", RAW), ("2025", OLD_RAW)]
    assert settings.index_key == INDEX_RAW
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
    words = ["pass-word", "red-word", "token-word", SECRET, KEY, OLD_KEY, INDEX_KEY, "dsn-word", repr(RAW)[2:-1]]
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
        ("TRUSTED_PROXIES", "-1", "0-8"),
        ("TRUSTED_PROXIES", "all", "0-8"),
        ("ALLOWED_HOSTS", "https://calls.example.org", "host names"),
        ("ALLOWED_HOSTS", "*", "host names"),
        ("ALLOWED_HOSTS", ",", "host names"),
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


@pytest.mark.parametrize(
    ("change", "named", "why"),
    [
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG", "must not be set"),
        ({"FLASK_ENV": "development"}, "FLASK_ENV", "must not be set"),
        ({"SECRET_KEY": "changeme" * 6}, "SECRET_KEY", "guessed"),
        ({"SECRET_KEY": "My-Super-Secret-Key-For-Our-Site-2026!"}, "SECRET_KEY", "guessed"),
        ({"SECRET_KEY": "s" * 48}, "SECRET_KEY", "guessed"),
        ({"SECRET_KEY": "Xk9!vQ2@mZ7#" * 3}, "SECRET_KEY", "guessed"),
        ({"BLIND_INDEX_KEY": base64.b64encode(bytes(range(32))).decode()}, "BLIND_INDEX_KEY", "guessed"),
        ({"BLIND_INDEX_KEY": base64.b64encode(bytes(32)).decode()}, "BLIND_INDEX_KEY", "guessed"),
        ({"FIELD_ENCRYPTION_KEYS": f"1:{base64.b64encode(RAW[:16] * 2).decode()}"}, "FIELD_ENCRYPTION_KEYS", "guessed"),
        ({"FIELD_ENCRYPTION_KEYS": f"1:{INDEX_KEY}"}, "FIELD_ENCRYPTION_KEYS", "the same key as BLIND_INDEX_KEY"),
        ({"SECRET_KEY": INDEX_KEY}, "BLIND_INDEX_KEY", "the same key as SECRET_KEY"),
        ({"SECRET_KEY": "0f4e1b" + "9a7c3d5e8b2f6a1c" * 2, "TWILIO_AUTH_TOKEN": "0f4e1b" + "9a7c3d5e8b2f6a1c" * 2},
         "SECRET_KEY", "the same key as TWILIO_AUTH_TOKEN"),
        ({"REDIS_URL": "redis://cache:6379/0"}, "REDIS_URL", "no password"),
        ({"REDIS_URL": "redis://outreach@10.0.0.7:6379/0"}, "REDIS_URL", "no password"),
        ({"REDIS_URL": "rediss://cache.example.org:6380/0"}, "REDIS_URL", "no password"),
        ({"REDIS_URL": "redis://:aaaa@cache:6379/0"}, "REDIS_URL", "no password"),
    ],
)  # fmt: skip
def test_production_refuses_what_is_unsafe_though_it_would_work(change: dict[str, str], named: str, why: str) -> None:
    message = refusal(PRODUCTION | change)
    assert message.count("\n  - ") == 1
    assert f"{named} " in message
    assert why in message
    assert [value for value in change.values() if len(value) > 12 and value in message] == []
    rehearsed = {name: value for name, value in change.items() if name in {"REDIS_URL", "FLASK_DEBUG"}}
    assert Settings.from_mapping(REHEARSAL | rehearsed).mode == "rehearsal", "a rehearsal may"


@pytest.mark.parametrize(
    "url",
    ["unix:///run/redis/redis.sock", "redis://localhost:6379/0", "redis://127.0.0.1", "redis://[::1]:6379",
     "redis://outreach:q8Zt4vLw@cache:6379/0", "rediss://:q8Zt4vLw@cache.example.org:6380/0"],
)  # fmt: skip
def test_a_redis_that_strangers_cannot_write_to_is_taken(url: str) -> None:
    assert Settings.from_mapping(PRODUCTION | {"REDIS_URL": url}).redis_url == url


def test_an_old_key_stays_until_everything_is_sealed_anew() -> None:
    weak = base64.b64encode(bytes(32)).decode()
    assert Settings.from_mapping(PRODUCTION | {"FIELD_ENCRYPTION_KEYS": f"2:{KEY},1:{weak},0:{INDEX_KEY}"})


@given(st.binary(min_size=1, max_size=16), st.integers(min_value=0, max_value=255))
def test_what_repeats_or_counts_is_a_pattern(part: bytes, step: int) -> None:
    assert is_patterned((part * 32)[:32], 1)
    assert is_patterned(bytes((part[0] + step * place) % 256 for place in range(32)), 1)


def test_no_random_key_is_taken_for_a_pattern() -> None:
    for _ in range(500):
        assert not is_patterned(secrets.token_bytes(32), 16)
        assert not is_guessable(secrets.token_hex(16))
        assert not is_guessable(base64.b64encode(secrets.token_bytes(48)).decode())


def test_a_copied_example_is_refused_until_each_value_is_ones_own() -> None:
    lines = (Path(__file__).parents[2] / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    filled = {name: value or PRODUCTION.get(name, "") for name, value in example.items()}
    message = refusal(filled)
    assert [name for name in EXAMPLES if f"{name} is still what .env.example shows" not in message] == []
    assert message.count("\n  - ") == len(EXAMPLES)
    own = {
        "PUBLIC_BASE_URL": "https://calls.example.org",
        "DATABASE_URL": "postgresql://outreach:q8Zt4vLw@localhost/outreach",
    }
    assert Settings.from_mapping(filled | own).is_published


def test_a_database_that_everybody_on_the_machine_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outreach.db"
    path.touch(mode=0o600)
    values = PRODUCTION | {"DATABASE_URL": f"sqlite:///{path}"}
    assert Settings.from_mapping(values)
    path.chmod(0o644)
    for above in (tmp_path, *tmp_path.parents):
        if not above.stat().st_mode & 0o001:
            assert exposed_file(f"sqlite:///{path}") is None, "nobody else gets as far as the file"
            break
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        path = Path(name) / "outreach.db"
        path.touch()
        path.chmod(0o644)
        message = refusal(PRODUCTION | {"DATABASE_URL": f"sqlite:///{path}"})
        assert f"chmod o-rwx {path}" in message
        Path(name).chmod(0o700)
        assert exposed_file(f"sqlite:///{path}") is None


def test_hosts_are_read_as_names() -> None:
    settings = Settings.from_mapping(
        PRODUCTION | {"ALLOWED_HOSTS": "Calls.Example.net, 10.0.0.7:8000", "TRUSTED_PROXIES": "2"}
    )
    assert settings.allowed_hosts == {"calls.example.net", "10.0.0.7:8000"}
    assert settings.trusted_proxies == 2
    assert Settings.from_mapping(PRODUCTION).trusted_proxies == 1


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
