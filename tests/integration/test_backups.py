"""A backup is made while a blast is under way, more happens, everything is lost, and the backup is brought back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from config.settings import Settings
from outreach import migrations
from outreach.accounts.models import AuditEvent
from outreach.backups import BackupError
from outreach.backups.backup import forget_old, last_backup, make_backup, sqlite_path
from outreach.backups.catching_up import CaughtUp, catch_up, pending
from outreach.backups.making_safe import lock_site
from outreach.backups.replaced import list_replaced, remove_replaced
from outreach.backups.restore import restore
from outreach.backups.sealed_stream import SealedBackup, SealingWriter
from outreach.carrier.base import Ambiguous, CarrierMessage
from outreach.carrier.twilio import TwilioCarrier
from outreach.cli.backups import restore as restore_command
from outreach.core.db import Database
from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime, open_runtime
from outreach.messaging import events, turns
from outreach.messaging.claims import claim
from outreach.messaging.gates import resume_gate
from outreach.messaging.inbound import InboundText
from outreach.messaging.models import Gate, Message, MessageAttempt
from outreach.messaging.restored import is_catching_up
from outreach.messaging.restored_models import FoundText
from outreach.messaging.slices import slice_out
from outreach.messaging.states import STATES
from outreach.messaging.sweep import sweep_posts
from outreach.people.consent import is_suppressed, record_opt_out
from outreach.people.models import Constituent
from outreach.privacy.erasure import erase_number
from outreach.replies import answer_found, answer_text, obey_found
from outreach.spending.ledger import by_kind
from outreach.stage.postgres import drop_database
from outreach.watch.checks import check_books
from tests.commands import outreach_command
from tests.conftest import ENGINES, rehearsal_env
from tests.factories import World, make_person, make_world, number, plan_messages
from tests.integration.test_sending import Book, fold_all, states
from tests.integration.test_stage import eventually
from workers import upkeep

PEOPLE = 12


class DiskFullError(Exception):
    pass


class Carrier(Book):
    """Keeps what it accepted and what people wrote, and lists both; it may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.inbound: list[CarrierMessage] = []
        self.is_away = False

    def list_since(self, since: object) -> Iterator[CarrierMessage]:
        if self.is_away:
            raise Ambiguous
        every = sorted([*self.accepted, *self.inbound], key=lambda one: one.created_at, reverse=True)
        return iter(every)

    def hear(self, runtime: Runtime, sender: str, body: str, *, minutes_ago: int = 0, taken: bool = True) -> str:
        """Somebody writes to us; ``taken``: the webhook brought it to the database that is there now."""
        at = runtime.clock.real_now() - timedelta(minutes=minutes_ago)
        sid = f"SM{len(self.inbound):032x}"
        ours = runtime.settings.twilio_from_number or ""
        self.inbound.append(CarrierMessage(sid, ours, sender, body, "received", None, True, at))
        if taken:
            answer_text(runtime, InboundText(sid, sender, ours, body, at))
        return sid


@pytest.fixture(params=ENGINES)
def home(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Settings]:
    """Settings with a migrated database that nobody else has open."""
    if request.param == "sqlite":
        path = tmp_path / "site" / "outreach.db"
        path.parent.mkdir()
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        yield Settings.from_mapping(rehearsal_env(f"sqlite:///{path}", redis_url, tmp_path / "keys"))
        return
    make: Callable[[str], str] = request.getfixturevalue("new_postgres")
    make("test_outreach")  # the template is there from here on
    server: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(server.replace("+psycopg", "", 1), autocommit=True) as connection:
        name, template = sql.Identifier("test_restore"), sql.Identifier("template_outreach")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
    url = make_url(server).set(database="test_restore").render_as_string(hide_password=False)
    yield Settings.from_mapping(rehearsal_env(url, redis_url, tmp_path / "keys"))
    drop_database(server, "test_restore")


@pytest.fixture
def site(home: Settings) -> Iterator[Runtime]:
    opened = open_runtime(home)
    yield opened
    opened.db.dispose()


def post(runtime: Runtime, carrier: Carrier, gate_id: int, count: int, *, restored: bool = False) -> int:
    """Claim and slice so many, POST them, record and fold; how many were posted."""
    claimed, _ = claim(runtime, gate_id, "sender", after=0, limit=count)
    posts = slice_out(runtime, claimed, "sender", restored=restored)
    with runtime.db.transaction() as tx:
        at = runtime.clock.real_now()
        for one in posts:
            sid = carrier.create_message(to=one.to, body=one.body, status_callback="", validity_seconds=1)
            events.append(tx, [events.result(one.attempt_id, "accepted", at, carrier_sid=sid)])
    fold_all(runtime)
    return len(posts)


def catch(runtime: Runtime, carrier: Carrier) -> CaughtUp:
    done = catch_up(runtime, carrier, obey=obey_found, answer=answer_found)
    assert done is not None
    fold_all(runtime)
    return done


def stands(runtime: Runtime, gate_id: int) -> dict[str, int]:
    """How many texts of a gate are out, and how the others stand."""
    found: Counter[str] = Counter()
    for state, count in states(runtime, gate_id).items():
        if state in STATES:
            found["out" if state in {"accepted", "sent", "delivered"} else state] += count
    return dict(found)


def hash_of(runtime: Runtime, index: int) -> bytes:
    return runtime.vault.number_hash(number(index))


@contextmanager
def held_open(database: Database) -> Iterator[None]:
    """Another program has the embedded database open; of a server the caller's own connection is one."""
    if not database.is_sqlite:
        yield
        return
    with sqlite_path(database).open("rb") as file, subprocess.Popen(["sleep", "60"], stdin=file) as other:
        yield
        other.kill()


def lose(home: Settings) -> None:
    """The database is gone."""
    database = Database(home.database_url)
    if database.is_sqlite:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database.url.database}{suffix}").unlink(missing_ok=True)
        return
    with database.connection() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.commit()
    database.dispose()


def blast(site: Runtime, carrier: Carrier) -> World:
    """A campaign of which three texts are out, one is being posted, and the rest waits."""
    world = make_world(site, PEOPLE)
    plan_messages(site, world)
    assert post(site, carrier, world.gate_id, 3) == 3
    claimed, _ = claim(site, world.gate_id, "dies", after=0, limit=1)
    (leaving,) = slice_out(site, claimed, "dies")
    carrier.create_message(to=leaving.to, body=leaving.body, status_callback="", validity_seconds=1)
    claim(site, world.gate_id, "other", after=0, limit=1)  # held by a sender that is gone after the restore
    return world


def finish(runtime: Runtime, carrier: Carrier, world: World) -> None:
    """Somebody looks at the campaign and resumes it; everything that may go out goes out."""
    with runtime.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    while post(runtime, carrier, world.gate_id, 5, restored=True):
        pass


def test_nobody_is_texted_twice_or_after_a_stop_when_a_backup_comes_back(
    site: Runtime, home: Settings, tmp_path: Path
) -> None:
    carrier = Carrier()
    world = blast(site, carrier)
    made = make_backup(site, tmp_path / "b.backup")
    assert made["counts"]["message"] == PEOPLE
    with site.db.transaction() as tx:  # what the backup holds as claimed goes on here
        tx.execute(text("UPDATE message SET state = 'planned', lease_token = NULL WHERE state = 'claimed'"))
    assert post(site, carrier, world.gate_id, 4) == 4  # texts that the backup does not know of: people 4 to 7
    carrier.hear(site, number(5), "STOP")  # had the text
    carrier.hear(site, number(9), "ya no me escriban")  # has not had it
    carrier.hear(site, number(0), "1")
    with site.db.transaction(durable=True) as tx:  # by a page: the carrier knows nothing of it
        at = site.clock.real_now()
        record_opt_out(tx, site.vault, world.group_id, hash_of(site, 10), wording="", source="page", at=at)
    erase_number(site, world.group_id, hash_of(site, 11), reason="asked", actor="admin")
    make_backup(site, tmp_path / "p.protections", only_protections=True)
    with site.db.snapshot() as session:
        paid = by_kind(session, world.group_id, site.clock.now())["texts"]
    carrier.hear(site, number(1), "please stop texting me", taken=False)  # while it was down
    site.db.dispose()
    lose(home)

    done = restore(home, tmp_path / "b.backup", protections=tmp_path / "p.protections")
    assert (done.protections, done.aside, done.safe.paused) == ("file", None, 1)
    back = open_runtime(home)
    assert pending(back) is not None
    with back.db.snapshot() as session:
        assert last_backup(session) == done.made_at == datetime.fromisoformat(made["made_at"])
        assert is_catching_up(session)
        assert session.execute(select(Gate.state, Gate.reason).where(Gate.id == world.gate_id)).one() == (
            "paused",
            "restored",
        )
    with pytest.raises(ConflictError), back.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    carrier.is_away = True
    with pytest.raises(Ambiguous):
        catch(back, carrier)
    carrier.is_away = False
    found = catch(back, carrier)
    assert (found.booked, found.unmatched, found.in_doubt, found.replies, found.erased) == (5, 0, 0, 4, 1)
    assert catch_up(back, carrier, obey=obey_found, answer=answer_found) is None
    assert sweep_posts(back) == 0
    with back.db.snapshot() as session:
        for index in (1, 5, 9, 10):
            assert is_suppressed(session, hash_of(back, index), world.group_id), index
        assert session.get_one(Constituent, world.people[11]).erased_at is not None
        assert session.execute(select(Message.kind).where(Message.kind == "confirmation")).all() == [("confirmation",)]
        assert by_kind(session, world.group_id, back.clock.now())["texts"] == paid
    finish(back, carrier, world)
    got = Counter(one.to for one in carrier.accepted)
    assert got == {number(index): 1 for index in range(PEOPLE) if index not in {9, 10, 11}}
    assert stands(back, world.gate_id) == {"out": 9, "suppressed": 2, "canceled": 1}
    assert check_books(back) == 0
    back.db.dispose()


def test_what_a_lost_campaign_has_said_is_not_said_again(site: Runtime, home: Settings, tmp_path: Path) -> None:
    """A campaign of after the backup is gone with its rows. Made anew with the same words it finds them said."""
    carrier = Carrier()
    world = make_world(site, 5)
    make_backup(site, tmp_path / "b.backup")
    make_backup(site, tmp_path / "p.protections", only_protections=True)
    plan_messages(site, world)
    assert post(site, carrier, world.gate_id, 3) == 3
    with site.db.transaction(durable=True) as tx:  # after the file, so only the database that is replaced knows of it
        at = site.clock.real_now()
        record_opt_out(tx, site.vault, world.group_id, hash_of(site, 4), wording="", source="page", at=at)
    site.db.dispose()
    done = restore(home, tmp_path / "b.backup", replace=True, protections=tmp_path / "p.protections")
    assert (done.protections, done.safe.stops) == ("file", 1)
    assert done.aside is not None
    back = open_runtime(home)
    assert catch(back, carrier).unmatched == 3
    plan_messages(back, world)
    with back.db.transaction() as tx:
        resume_gate(tx, world.gate_id)
    assert post(back, carrier, world.gate_id, 10, restored=True) == 1
    assert Counter(one.to for one in carrier.accepted) == {number(index): 1 for index in range(4)}
    assert stands(back, world.gate_id) == {"out": 4, "suppressed": 1}
    with back.db.snapshot() as session:
        assert session.execute(select(FoundText.carrier_sid).where(FoundText.message_id.is_(None))).first() is None
        # Links and callbacks of lost rows name ids that are never given again.
        assert session.execute(select(func.max(MessageAttempt.id))).scalar_one() > 1_000
    back.db.dispose()


def test_what_was_put_aside_is_removed_and_nothing_else(site: Runtime, home: Settings, tmp_path: Path) -> None:
    world = make_world(site, 2)
    make_backup(site, tmp_path / "b.backup")
    site.db.dispose()
    asides = [restore(home, tmp_path / "b.backup", replace=True).aside for _ in range(2)]
    back = open_runtime(home)
    mine = "replaced_parts"  # begins alike
    if back.db.is_sqlite:
        beside = sqlite_path(back.db).with_name(f"outreach.db.{mine}")
        beside.touch()
        Path(f"{asides[0]}-wal").touch()
    else:
        with back.db.connection() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {mine}")
            connection.commit()
    assert [one.name for one in list_replaced(back.db)] == asides
    assert all(one.bytes > 100_000 for one in list_replaced(back.db))
    env = {**rehearsal_env(home.database_url, home.redis_url, tmp_path / "keys")}
    back.db.dispose()
    told = outreach_command(env, ["replaced", "remove", "--json"])
    assert (told.returncode, json.loads(told.stdout)["error"]["code"]) == (2, "replaced_needs_yes")
    assert str(asides[1]) in told.stderr
    assert [one["name"] for one in typed(env, "replaced", "show")["replaced"]] == asides
    assert [one["name"] for one in typed(env, "replaced", "remove", "--yes")["removed"]] == asides
    assert typed(env, "replaced", "remove", "--yes") == {"removed": []}
    with back.db.snapshot() as session:
        assert len(session.execute(select(Constituent.id)).all()) == len(world.people)
        noted = session.execute(select(AuditEvent.details).where(AuditEvent.action == "replaced_removed")).scalars()
        assert noted.all() == [{"count": 2}]
        if not back.db.is_sqlite:
            rest = session.execute(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replaced%'")).scalars()
            assert rest.all() == [mine]
    if back.db.is_sqlite:
        assert sorted(path.name for path in beside.parent.glob("*replaced_*")) == [beside.name]
    back.db.dispose()


def typed(env: dict[str, str], *words: str) -> dict[str, Any]:
    done = outreach_command(env, [*words, "--json"])
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_other_words_to_the_same_person_are_a_persons_to_decide_and_count_for_the_caps(
    site: Runtime, home: Settings, tmp_path: Path
) -> None:
    carrier = Carrier()
    world = make_world(site, 3)
    first = plan_messages(site, world)
    make_backup(site, tmp_path / "b.backup")
    carrier.create_message(to=number(1), body="Hi Ana, another thing.", status_callback="", validity_seconds=1)
    site.db.dispose()
    assert restore(home, tmp_path / "b.backup", replace=True).protections == "replaced"
    back = open_runtime(home)
    assert catch(back, carrier).in_doubt == 1
    with back.db.snapshot() as session:
        assert session.get_one(Message, first[1]).state == "needs_review"
    plan_messages(back, World(world.group_id, world.list_id, world.gate_id, [world.people[1]]))
    finish(back, carrier, world)
    assert Counter(one.to for one in carrier.accepted) == {number(index): 1 for index in range(3)}
    assert stands(back, world.gate_id) == {"out": 2, "needs_review": 1, "held": 1}
    back.db.dispose()


def test_a_backup_is_refused_where_it_would_do_harm(site: Runtime, home: Settings, tmp_path: Path) -> None:
    world = make_world(site, 2)
    file = tmp_path / "b.backup"
    make_backup(site, file)
    assert file.stat().st_mode & 0o077 == 0
    with site.db.snapshot() as session:
        assert last_backup(session) is not None
    content = file.read_bytes()
    assert b"Testers" not in content

    def refused(path: Path = file, settings: Settings = home, *, replace: bool = True) -> str:
        with pytest.raises(BackupError) as caught:
            restore(settings, path, replace=replace)
        return caught.value.code

    with site.db.snapshot() as session:
        session.execute(select(1))
        with held_open(site.db):
            assert refused() == "restore_in_use"
    site.db.dispose()
    assert refused(replace=False) == "restore_not_empty"
    broken = tmp_path / "broken.backup"
    for harm in (content[:-1], content[: len(content) // 2], content[:200] + b"\0" + content[201:], content + b"x"):
        broken.write_bytes(harm)
        assert refused(broken) == "backup_damaged"
    broken.write_bytes(b"PGDMP")
    assert refused(broken) == "backup_unlike"
    keys = {**home.field_keys, "new": b"n" * 32}
    other = home.model_copy(update={"blind_index_key": type(home.blind_index_key)(b"i" * 32)})
    assert refused(settings=other) == "backup_other_index"
    gone = {key: value for key, value in keys.items() if key == "new"}
    assert refused(
        settings=home.model_copy(update={"field_encryption_keys": type(home.field_encryption_keys)(gone)})
    ) == ("backup_key_unknown")
    still = open_runtime(home)
    with still.db.snapshot() as session:
        assert len(session.execute(select(Constituent.id)).all()) == len(world.people)
        assert not is_catching_up(session)
    assert migrations.is_current(still.db)
    still.db.dispose()


def test_a_backup_onto_a_slow_disk_is_not_cut_off_as_idle(
    site: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """compose.yaml's server ends a transaction that says nothing for ten minutes; this one after a moment."""
    if not site.db.is_sqlite:
        with site.db.connection() as connection:
            connection.exec_driver_sql("ALTER DATABASE test_restore SET idle_in_transaction_session_timeout = '100ms'")
            connection.commit()
        site.db.dispose()

    def slowly(writer: SealingWriter, data: bytes, write: Callable[..., None] = SealingWriter.write) -> None:
        threading.Event().wait(0 if writer.size else 0.4)
        write(writer, data)

    monkeypatch.setattr(SealingWriter, "write", slowly)
    assert (
        make_backup(site, tmp_path / "b.backup")["bytes"]
        == SealedBackup(tmp_path / "b.backup", site.settings.field_keys).manifest()["bytes"]
    )


def test_old_backups_go_from_their_directory(tmp_path: Path, site: Runtime) -> None:
    now = site.clock.real_now()
    for age in (1, 31, 40):
        (tmp_path / f"outreach-{now - timedelta(days=age):%Y%m%d-%H%M%S}.backup").touch()
    (tmp_path / "outreach-of-mine.backup").touch()
    assert forget_old(tmp_path, "protections", 30, now) == 0
    assert forget_old(tmp_path, "database", 30, now) == 2
    assert len(list(tmp_path.glob("*.backup"))) == 2


def test_upkeep_catches_up_by_itself_once_the_carrier_answers(
    site: Runtime, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever restored may have gone to bed, and may have started everything before the carrier could be asked."""
    monkeypatch.setattr(upkeep, "RESTORE_AGAIN_SECONDS", 0.1)
    carrier = Carrier()
    world = make_world(site, 2)
    plan_messages(site, world)
    make_backup(site, tmp_path / "b.backup")
    assert post(site, carrier, world.gate_id, 1) == 1
    site.db.dispose()
    restore(home, tmp_path / "b.backup", replace=True)
    back = open_runtime(home)
    carrier.is_away = True
    at_work = upkeep.Upkeep(back, cast(TwilioCarrier, carrier))
    thread = threading.Thread(target=at_work.run)
    thread.start()
    try:
        assert turns.look(back).gates == []
        carrier.is_away = False
        assert eventually(lambda: pending(back) is None)
    finally:
        at_work.stop()
        thread.join(30)
    fold_all(back)
    assert stands(back, world.gate_id) == {"out": 1, "planned": 1}
    back.db.dispose()


def test_a_restore_that_is_stopped_leaves_the_database_as_it_was(
    site: Runtime, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(site, 1)
    make_backup(site, tmp_path / "b.backup")
    site.db.dispose()

    def stopped(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("outreach.backups.restore._require_whole", stopped)  # all is loaded, and nothing in its place
    monkeypatch.setattr("outreach.cli.backups.runtime", lambda: replace(site, settings=home))
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as a command finds it
    try:
        done = CliRunner().invoke(restore_command, [str(tmp_path / "b.backup"), "--replace"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done.exit_code == 128 + signal.SIGTERM
    still = open_runtime(home)
    assert pending(still) is None
    with still.db.snapshot() as session:
        assert session.get_one(Constituent, world.people[0]).number_hash == hash_of(still, 0)
    still.db.dispose()


@pytest.mark.parametrize(
    "steps",
    [("sqlite_copies.write_whole", "postgres_copies._feed"), ("restore.make_safe",)],
    ids=["loading", "making safe"],
)
def test_a_restore_that_is_killed_forgets_no_opt_out(
    site: Runtime, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...]
) -> None:
    """Where the half-loaded tables stand is only the backup; the opt-out since is in what was put aside for them."""
    world = make_world(site, 2)
    make_backup(site, tmp_path / "b.backup")
    with site.db.transaction(durable=True) as tx:
        at = site.clock.real_now()
        record_opt_out(tx, site.vault, world.group_id, hash_of(site, 0), wording="", source="page", at=at)
    site.db.dispose()
    for _ in range(2):  # and the try after it as well
        child = os.fork()
        if child == 0:
            for step in steps:
                monkeypatch.setattr(f"outreach.backups.{step}", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            try:
                restore(home, tmp_path / "b.backup", replace=True)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    if site.db.is_sqlite:
        make_backup(site, tmp_path / "again.protections", only_protections=True)
        assert remove_replaced(site) == []  # the old file stands in its place until all is done
        site.db.dispose()
    else:
        with pytest.raises(BackupError, match="has not ended"):
            make_backup(site, tmp_path / "empty.protections", only_protections=True)
        with pytest.raises(BackupError, match="needs what it has put aside"):
            remove_replaced(site)
        site.db.dispose()
    done = restore(home, tmp_path / "b.backup", replace=True)
    assert (done.protections, done.safe.stops) == ("replaced", 1)
    back = open_runtime(home)
    with back.db.snapshot() as session:
        assert is_suppressed(session, hash_of(back, 0), world.group_id)
    assert make_backup(back, tmp_path / "last.protections", only_protections=True)["counts"]["stops"] == 1
    back.db.dispose()


@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
def test_a_restore_that_cannot_be_made_safe_leaves_the_database_as_it_was(
    site: Runtime, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded, whole and committed, but as old as the backup: what knows of everything since must come back."""
    world = make_world(site, 1)
    make_backup(site, tmp_path / "b.backup")
    make_person(site, world.group_id, number(1))

    def people() -> int:
        with site.db.snapshot() as session:
            found = session.execute(select(func.count()).select_from(Constituent)).scalar_one()
        site.db.dispose()
        return found

    def full(*_: object) -> None:
        raise DiskFullError

    now = people()
    monkeypatch.setattr("outreach.backups.restore.make_safe", full)
    with pytest.raises(DiskFullError):
        restore(home, tmp_path / "b.backup", replace=True)
    assert people() == now
    make_backup(site, tmp_path / "c.backup")  # nothing says that a restore is under way


@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
def test_a_role_that_owns_no_schema_restores_into_an_empty_one(
    site: Runtime, home: Settings, tmp_path: Path, postgres_url: str
) -> None:
    """As a managed server hands a database out: the schema is another's, and everything in it may be ours."""
    make_world(site, 3)
    make_backup(site, tmp_path / "b.backup")
    site.db.dispose()
    name, owner = sql.Identifier("test_restore"), postgres_url.replace("+psycopg", "", 1)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        connection.execute("DROP ROLE IF EXISTS tenant")
        connection.execute("CREATE ROLE tenant LOGIN PASSWORD 'tenant'")
    url = make_url(home.database_url)
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute("GRANT ALL ON SCHEMA public TO tenant")
    theirs = url.set(username="tenant", password="tenant").render_as_string(hide_password=False)
    done = restore(home.model_copy(update={"database_url": theirs}), tmp_path / "b.backup")
    assert (done.counts["constituent"], done.aside) == (3, None)


def test_the_command_says_when_the_carrier_cannot_be_asked(settings_env: dict[str, str]) -> None:
    """Nothing listens at the test's carrier."""
    held = open_runtime(Settings.from_mapping(settings_env))
    told = outreach_command(settings_env, ["catch-up", "--json"])
    assert (told.returncode, json.loads(told.stdout)) == (0, {"caught_up": None, "problem": None})
    with held.db.transaction() as tx:
        lock_site(tx, held.clock.real_now(), held.clock.real_now())
    told = outreach_command(settings_env, ["catch-up", "--json"])
    assert told.returncode == 1
    assert "could not be asked" in json.loads(told.stdout)["problem"]
    held.db.dispose()
