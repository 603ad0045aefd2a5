"""Rows for tests, made through the models with invented people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.accounts.links import ensure_group, make_login_link
from outreach.accounts.models import User
from outreach.accounts.sign_in_models import Authenticator, SignIn
from outreach.approvals.asking import WAITS_FOR
from outreach.approvals.digests import digest_of, people_of
from outreach.approvals.models import ApprovalRequest
from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.messaging.events import append, delta
from outreach.messaging.gates import open_gate
from outreach.messaging.models import Message
from outreach.people.models import Constituent, ContactList, ListMembership
from outreach.people.sealed_files import SealedSpool
from outreach.people.uploads import Received, keep_upload
from outreach.people.zones import zones_for, zones_key

TEXTS = {"en": "Hi {{ first_name }}, {{ group }} here. Reply STOP to opt out.", "es": "Hola {{ first_name }}. ALTO"}
VALUES = {"en": {"group": "Testers"}, "es": {"group": "Testers"}}


def number(index: int) -> str:
    """The index-th number that belongs to nobody; 480, 520, 602, 623, 928 in turn."""
    area = ("480", "520", "602", "623", "928")[index % 5]
    return f"+1{area}5550{100 + index // 5 % 100}"


@dataclass(frozen=True)
class World:
    """A group with people, a list of them, and an open gate."""

    group_id: int
    list_id: int
    gate_id: int
    people: list[int]


def make_group(runtime: Runtime, name: str = "Testers") -> int:
    with runtime.db.transaction() as tx:
        return ensure_group(tx, name, runtime.clock.now())


def settle_everybody(runtime: Runtime) -> None:
    """All who signed in have a password and an app, as production asks of them, and have confirmed just now."""
    now = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        for user in tx.execute(select(User)).scalars():
            user.sign_in_name, user.password_hash, user.password_at = f"user-{user.id}", "none opens it", now
            tx.add(Authenticator(user_id=user.id, sealed=b"", last_step=0, created_at=now))
        tx.execute(update(SignIn).values(owes=None, confirmed_at=now))


def make_person(
    runtime: Runtime,
    group_id: int,
    phone: str,
    *,
    language: str = "en",
    zip_code: str | None = None,
    consented_at: datetime | str | None = "now",
    zones: str | None = None,
) -> int:
    now = runtime.clock.now()
    document = {"phone": phone, "first_name": "Ana", "last_name": "Tester"}
    with runtime.db.transaction() as tx:
        person = Constituent(
            group_id=group_id,
            number_hash=runtime.vault.number_hash(phone),
            sealed=runtime.vault.seal(document, "constituent"),
            zip=zip_code,
            language=language,
            zones=zones if zones is not None else zones_key(zones_for(phone, zip_code)),
            consented_at=now - timedelta(days=1) if consented_at == "now" else consented_at,
            created_at=now,
            updated_at=now,
        )
        tx.add(person)
        tx.flush()
        return person.id


def make_world(runtime: Runtime, people: int = 5, *, name: str = "Testers") -> World:
    group_id = make_group(runtime, name)
    ids = [make_person(runtime, group_id, number(index)) for index in range(people)]
    with runtime.db.transaction() as tx:
        contacts = ContactList(group_id=group_id, name="all", created_at=runtime.clock.now())
        tx.add(contacts)
        gate = open_gate(tx, group_id=group_id, kind="wave", texts=TEXTS, values=VALUES, clock=runtime.clock)
        tx.flush()
        tx.add_all([ListMembership(list_id=contacts.id, constituent_id=person) for person in ids])
        return World(group_id, contacts.id, gate.id, ids)


def plan_messages(runtime: Runtime, world: World, *, gate_id: int | None = None) -> list[int]:
    """A planned campaign message for everybody in the world, as planning leaves them."""
    gate = gate_id or world.gate_id
    with runtime.db.transaction() as tx:
        people = tx.execute(
            select(Constituent.id, Constituent.number_hash, Constituent.language)
            .where(Constituent.id.in_(world.people))
            .order_by(Constituent.id)
        ).all()
        rows = [
            Message(
                group_id=world.group_id,
                gate_id=gate,
                constituent_id=row.id,
                number_hash=row.number_hash,
                kind="campaign",
                state="planned",
                language=row.language,
                not_before=runtime.clock.now() - timedelta(seconds=1),
            )
            for row in people
        ]
        tx.add_all(rows)
        tx.flush()
        append(tx, [delta(gate, None, "planned", len(rows), runtime.clock.real_now())])
        return [row.id for row in rows]


def ask_approval(runtime: Runtime, group_id: int, campaign_id: int, requester: str = "Rosa") -> int:
    """Somebody's request to launch a draft, whether the group asks for two people or not; its id."""
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        user = User(group_id=group_id, name=f"{requester} asks", role="organizer", created_at=runtime.clock.now())
        tx.add(user)
        tx.flush()
        campaign = tx.get_one(Campaign, campaign_id)
        request = ApprovalRequest(
            group_id=group_id, campaign_id=campaign_id, kind="launch", asked_for={},
            digest=digest_of(tx, group_id, "launch", campaign, {}),
            people=people_of(tx, runtime, group_id, "launch", campaign, {}), requested_by=user.id, requester=requester,
            requested_at=at, expires_at=at + WAITS_FOR, state="waiting",
        )  # fmt: skip
        tx.add(request)
        tx.flush()
        return request.id


def upload_file(
    runtime: Runtime,
    group_id: int,
    content: bytes,
    file_name: str = "a.csv",
    list_name: str = "Fair",
    consent: str | None = "yes",
    by: str = "admin",
) -> int:
    """A contact file as the import page receives it; the upload's id."""
    with SealedSpool(runtime.vault) as spool:
        spool.write(content)
        return keep_upload(runtime, group_id, Received(spool, file_name, list_name, consent), by=by)


def entered(app: Flask, runtime: Runtime, **user: Any) -> FlaskClient:
    """Somebody new who has signed in by a link; ``user``: their columns."""
    with runtime.db.transaction() as tx:
        made = User(**user, created_at=runtime.clock.now())
        tx.add(made)
        tx.flush()
        token = make_login_link(tx, made.id, runtime.clock.real_now())
    client = app.test_client()
    assert client.post(f"/enter/{token}").status_code == 302
    return client
