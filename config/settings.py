"""Deployment settings: read once from the environment, typed, frozen, and refused as a whole when one is wrong.

Every problem is named at once, with how to mend it, so a person mends a deployment in one go. No message and
no ``repr`` shows a secret.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.unsafe import WATCHED, unsafe_settings
from outreach.core.clock import Clock
from outreach.core.errors import SettingsError, message_for

TWILIO = "https://api.twilio.com"
RATES = {"OUTREACH_SENDER_RATE": 10_000, "OUTREACH_CALL_RATE": 100}
"""The most that each may be, a second."""
WHOLE = "PORT 1-65535, WEB_CONCURRENCY 1-256, TRUSTED_PROXIES 0-8"
KEY_BYTES = 32
SECRET_KEY_CHARACTERS = 32
REHEARSAL_MARK = "rehearsal"
"""How keys made for a rehearsal begin: key ids, SECRET_KEY, and the bytes of BLIND_INDEX_KEY."""

_DATABASE_SCHEMES = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".test")


def _wrong(code: str, **details: object) -> PydanticCustomError:
    return PydanticCustomError(code, "{code}", {"code": code, **details})


def _matching(pattern: str, code: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise _wrong(code)
        return value

    return AfterValidator(check)


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise _wrong("settings_key_size")
    return key


def _field_keys(value: str) -> dict[str, bytes]:
    """``id:base64,id:base64`` in the order given; the first seals, the others only open."""
    keys: dict[str, bytes] = {}
    for part in value.split(","):
        key_id, colon, text = part.strip().partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", key_id):
            raise _wrong("settings_field_keys_form")
        if key_id in keys:
            raise _wrong("settings_field_keys_repeat", key_id=key_id)
        keys[key_id] = _key(text)
    return keys


def _long_secret(value: str) -> str:
    if len(value) < SECRET_KEY_CHARACTERS:
        raise _wrong("settings_secret_short")
    return value


def _sqlalchemy_url(value: str) -> str:
    """The SQLAlchemy URL for any usual spelling: PostgreSQL goes through psycopg 3, SQLite names a file."""
    scheme, separator, rest = value.partition("://")
    driver = _DATABASE_SCHEMES.get(scheme)
    if not separator or driver is None or (driver == "sqlite" and len(rest) < 2):
        raise _wrong("settings_database_url")
    return f"{driver}://{rest}"


def _redis_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise _wrong("settings_redis_url")
    return value


def _base_url(value: str) -> str:
    """An origin without a trailing slash, for paths are appended to it and signatures cover the result."""
    try:
        url = urlsplit(value)
        valid = bool(
            url.scheme in {"http", "https"} and url.hostname and not (url.query or url.fragment or url.username)
        )
        _ = url.port
    except ValueError:
        valid = False
    if not valid:
        raise _wrong("settings_base_url")
    return value.rstrip("/")


def _hosts(value: object) -> object:
    """Names out of ``one.example,two.example``; a port may stand behind a name."""
    if not isinstance(value, str):
        return value
    names = frozenset(part.strip().lower() for part in value.split(",") if part.strip())
    if not names or not all(HOST.fullmatch(name) for name in names):
        raise _wrong("settings_hosts")
    return names


def _clock(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return Clock.parse(value)
    except SettingsError as error:
        raise _wrong(error.code, **{key: str(detail) for key, detail in error.details.items()}) from None


HOST = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}\.){0,10}[A-Za-z0-9-]{1,63}\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)
"""What can be a host's name, with or without a port."""
AccountSid = Annotated[str, _matching(r"AC[0-9a-f]{32}", "settings_account_sid")]
ServiceSid = Annotated[str, _matching(r"MG[0-9a-f]{32}", "settings_service_sid")]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


class Settings(BaseSettings):
    """What one deployment is; built by ``from_environment`` or ``from_mapping``, else not at all."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_ignore_empty=True, hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )  # fmt: skip

    mode: Literal["rehearsal", "production"] = Field("production", validation_alias="OUTREACH_MODE")
    database_url: Annotated[str, AfterValidator(_sqlalchemy_url)] = Field(validation_alias="DATABASE_URL", repr=False)
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(validation_alias="REDIS_URL", repr=False)
    twilio_account_sid: AccountSid = Field(validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(validation_alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: ServiceSid | None = Field(None, validation_alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from_number: Annotated[str, _matching(r"\+[1-9]\d{7,14}|\d{5,6}", "settings_from_number")] | None = Field(
        None, validation_alias="TWILIO_FROM_NUMBER"
    )
    twilio_base_url: BaseUrl = Field(TWILIO, validation_alias="TWILIO_BASE_URL")
    twilio_opt_out: Literal["default", "advanced", "none"] = Field("default", validation_alias="TWILIO_OPT_OUT")
    public_base_url: BaseUrl = Field(validation_alias="PUBLIC_BASE_URL")
    secret_key: Annotated[SecretStr, BeforeValidator(_long_secret)] = Field(validation_alias="SECRET_KEY")
    field_encryption_keys: Annotated[Secret[dict[str, bytes]], BeforeValidator(_field_keys)] = Field(
        validation_alias="FIELD_ENCRYPTION_KEYS"
    )
    blind_index_key: Annotated[SecretBytes, BeforeValidator(_key)] = Field(validation_alias="BLIND_INDEX_KEY")
    clock: Annotated[Clock, BeforeValidator(_clock)] = Field(default_factory=Clock, validation_alias="REHEARSAL_CLOCK")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8000, validation_alias="PORT")
    web_concurrency: Annotated[int, Field(ge=1, le=256)] = Field(2, validation_alias="WEB_CONCURRENCY")
    allowed_hosts: Annotated[frozenset[str], BeforeValidator(_hosts)] = Field(
        frozenset[str](), validation_alias="ALLOWED_HOSTS"
    )
    """Other names, beside PUBLIC_BASE_URL's, under which the site's pages may be asked for."""
    trusted_proxies: Annotated[int, Field(ge=0, le=8)] = Field(1, validation_alias="TRUSTED_PROXIES")
    """How many proxies of ours a request passes before it is here, each of which says from where it got it."""
    sender_rate: Annotated[float, Field(gt=0, le=RATES["OUTREACH_SENDER_RATE"])] | None = Field(
        None, validation_alias="OUTREACH_SENDER_RATE"
    )
    """Texts a second that all workers together may send; None: as fast as the carrier takes them."""
    call_rate: Annotated[float, Field(gt=0, le=RATES["OUTREACH_CALL_RATE"])] = Field(
        1.0, validation_alias="OUTREACH_CALL_RATE"
    )
    """Calls a second that are placed; carriers take about one (CARRIER.md)."""
    metrics_token: Annotated[SecretStr, BeforeValidator(_long_secret)] | None = Field(
        None, validation_alias="METRICS_TOKEN"
    )
    """What whoever reads ``/metrics`` must show; None: there is no such page."""
    sentry_dsn: SecretStr | None = Field(None, validation_alias="SENTRY_DSN")

    @property
    def is_published(self) -> bool:
        """Whether people reach this site over HTTPS: cookies, hosts and HSTS are then held to it. So in production."""
        return self.mode == "production" and self.public_base_url.startswith("https://")

    @property
    def field_keys(self) -> dict[str, bytes]:
        """Key id -> 32 bytes; the first one seals."""
        return self.field_encryption_keys.get_secret_value()

    @property
    def index_key(self) -> bytes:
        """The 32 bytes under the blind index."""
        return self.blind_index_key.get_secret_value()

    @classmethod
    def from_environment(cls) -> Self:
        """Settings of this process. Raises SettingsError with everything that is wrong."""
        return cls.from_mapping(os.environ)

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Self:
        """Settings from these names and texts alone, the environment unread. Raises SettingsError."""
        read = SETTING_NAMES | WATCHED
        given: dict[str, Any] = {name: value for name, value in values.items() if value != "" and name in read}
        return cls(**(given or {"OUTREACH_MODE": "production"}))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given: ``from_mapping`` has read it, whole and the same way, wherever from."""
        return (init_settings,)

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_as_a_whole(cls, values: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        problems: list[str] = []
        settings: Self | None = None
        try:
            settings = handler(values)
        except ValidationError as error:
            problems = [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        problems += mode_problems(values)
        if problems or settings is None:
            raise SettingsError("settings_wrong", problems="".join(f"\n  - {problem}" for problem in problems))
        return settings


SETTING_NAMES = frozenset(str(field.validation_alias) for field in Settings.model_fields.values())


def _problem(detail: ErrorDetails) -> str:
    """One sentence for one field that pydantic refused. Only our own checks may quote a value."""
    setting = str(detail["loc"][0]) if detail["loc"] else "settings"
    context = detail.get("ctx", {})
    if detail["type"] == "missing":
        return message_for("settings_missing", {"setting": setting})
    if setting in RATES:
        expected = f"a number above 0, at most {RATES[setting]}"
        return message_for("settings_choice", {"setting": setting, "expected": expected})
    if detail["type"] in {"literal_error", "int_parsing", "greater_than_equal", "less_than_equal"}:
        expected = context.get("expected") or f"a whole number in its range ({WHOLE})"
        return message_for("settings_choice", {"setting": setting, "expected": expected})
    return message_for(detail["type"], {**context, "setting": setting})


def mode_problems(values: Mapping[str, Any]) -> list[str]:
    """What the mode forbids, as sentences; works on the raw texts, so it speaks even when another field is wrong."""
    text = {name: str(values.get(name) or "") for name in SETTING_NAMES | WATCHED}
    found: list[tuple[str, dict[str, object]]] = []
    if not (text["TWILIO_MESSAGING_SERVICE_SID"] or text["TWILIO_FROM_NUMBER"]):
        found.append(("settings_no_sender", {}))
    if text["OUTREACH_MODE"] == "rehearsal":
        for name in ("PUBLIC_BASE_URL", "TWILIO_BASE_URL"):
            url = text[name] or (TWILIO if name == "TWILIO_BASE_URL" else "")
            if url and not is_local(url):
                found.append(("settings_rehearsal_not_local", {"setting": name}))
        return [message_for(code, details) for code, details in found]
    if text["REHEARSAL_CLOCK"]:
        found.append(("settings_production_clock", {}))
    if text["TWILIO_BASE_URL"] and text["TWILIO_BASE_URL"].rstrip("/") != TWILIO:
        found.append(("settings_production_carrier", {"twilio": TWILIO}))
    found += [("settings_production_keys", {"setting": name}) for name in rehearsal_keys(text)]
    if text["PUBLIC_BASE_URL"] and not text["PUBLIC_BASE_URL"].startswith("https://"):
        found.append(("settings_production_public", {}))
    found += unsafe_settings(text)
    return [message_for(code, details) for code, details in found]


def rehearsal_keys(text: Mapping[str, str]) -> list[str]:
    """The names of the key settings that were made for a rehearsal."""
    index_mark = base64.b64encode(REHEARSAL_MARK.encode()).decode()
    marked = {
        "SECRET_KEY": text["SECRET_KEY"].startswith(REHEARSAL_MARK),
        "FIELD_ENCRYPTION_KEYS": any(
            part.strip().startswith(REHEARSAL_MARK) for part in text["FIELD_ENCRYPTION_KEYS"].split(",")
        ),
        "BLIND_INDEX_KEY": text["BLIND_INDEX_KEY"].startswith(index_mark),
    }
    return [name for name, is_marked in marked.items() if is_marked]


def is_local(url: str) -> bool:
    """Whether a URL's host is this machine or a private network, so that nothing rehearsed reaches the public."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_SUFFIXES))
    return address.is_loopback or address.is_private
