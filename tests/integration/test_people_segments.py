"""Segments asked of the database: they say what their rules say, and what is saved and launched tells no names."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations import planning
from outreach.escalations.audience import count_draft
from outreach.escalations.drafts import edit_draft
from outreach.escalations.launch import cancel_campaign, launch_campaign
from outreach.escalations.models import Campaign, Recipient, Wave
from outreach.escalations.planning import plan_wave
from outreach.escalations.segments import (
    change_segment,
    create_segment,
    delete_segment,
    find_by_name,
    find_segment,
    frozen,
    segments_of,
    stored,
)
from outreach.escalations.segments_sql import clause
from outreach.escalations.silence_reads import account, find_wave
from outreach.messaging.models import Message, Reply
from outreach.people.consent import record_opt_out
from outreach.people.districts import change_district, create_district, delete_district
from outreach.people.facet_hashes import NO_CITY
from outreach.people.facets import index_facets, is_indexed, tag_ids, tags_of, write_tags
from outreach.people.importing import import_constituents
from outreach.people.models import Constituent, ContactList, ListMembership
from outreach.people.segment_models import ConstituentTag, District, Segment, Tag
from outreach.people.segments import MOST_DEPTH, read
from tests.factories import World, make_group, make_person, make_world, number
from tests.integration.test_launch import draft

TAGS, CITIES, ZIPS = ("DACA", "Block captain", "español"), ("Tempe", "Puerto Peñasco"), ("85003", "85281", "86503")
MOST_PEOPLE = 6
used = Counter[str]()


@dataclass(frozen=True)
class Somebody:
    """What a test knows of a person; ``texts``: states of their campaign messages, ``replies``: outcomes of theirs."""

    zip: str | None
    city: str
    language: str
    tags: frozenset[str]
    lists: frozenset[int]
    texts: tuple[str, ...]
    replies: tuple[str | None, ...]
    id: int = field(default=0, compare=False)


PEOPLE = st.builds(
    Somebody,
    zip=st.sampled_from([None, *ZIPS]),
    city=st.sampled_from(["", *CITIES]),
    language=st.sampled_from(["en", "es"]),
    tags=st.frozensets(st.sampled_from(TAGS)),
    lists=st.frozensets(st.sampled_from([0, 1])),
    texts=st.lists(st.sampled_from(["delivered", "sent", "accepted", "failed", "held"]), max_size=2).map(tuple),
    replies=st.lists(st.sampled_from([None, "spoke", "voicemail"]), max_size=2).map(tuple),
)
RULES = st.one_of(
    st.builds(lambda name: {"tag": name}, st.sampled_from(["daca", " BLOCK  captain", "español"])),
    st.builds(lambda zips: {"zip": zips}, st.lists(st.sampled_from(["850", "8528", "86503", "1" * 5]), min_size=1)),
    st.builds(lambda city: {"city": city}, st.sampled_from(["TEMPE", "puerto penasco", "Nowhere"])),
    st.builds(lambda one: {"list": one}, st.sampled_from([0, 1])),
    st.builds(lambda deed: {"did": deed}, st.sampled_from(["called", "replied", "never_answered"])),
    st.sampled_from([{"language": "es"}, {"district": 0}]),
)
TREES = st.recursive(
    RULES,
    lambda part: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, part),
    ),
    max_leaves=6,
)
DISTRICT = ["85003", "86503"]


def depth(tree: Any) -> int:
    ((kind, value),) = tree.items()
    parts = value if kind in {"all", "any"} else [value] if kind == "not" else []
    return 1 + max((depth(part) for part in parts), default=0)


def says(tree: Any, who: Somebody) -> bool:
    """The same in plain Python, with none of the code that is tested."""
    ((kind, value),) = tree.items()
    if kind == "all":
        return all(says(part, who) for part in value)
    if kind == "any":
        return any(says(part, who) for part in value)
    if kind == "not":
        return not says(value, who)
    if kind == "did":
        reached = any(state in {"accepted", "sent", "delivered"} for state in who.texts)
        return {
            "called": any(who.replies),
            "replied": len(who.replies) > 0,
            "never_answered": reached and not who.replies,
        }[value]
    if kind == "tag":
        return {"daca": "DACA", " BLOCK  captain": "Block captain", "español": "español"}[value] in who.tags
    if kind == "zip":
        return who.zip is not None and any(who.zip.startswith(one) for one in value)
    if kind == "city":
        return {"TEMPE": "Tempe", "puerto penasco": "Puerto Peñasco"}.get(value) == (who.city or "?")
    if kind == "list":
        return value in who.lists
    return who.language == value if kind == "language" else who.zip in DISTRICT


def settle(runtime: Runtime, group_id: int, gate_id: int, people: list[Somebody], first: int) -> list[int]:
    """Store them as an import would have before there were segments; their ids in order."""
    vault, now = runtime.vault, runtime.clock.now()
    ids = []
    for index, who in enumerate(people):
        person = make_person(runtime, group_id, number(first + index), language=who.language, zip_code=who.zip)
        hashed = vault.number_hash(number(first + index))
        document = {"phone": number(first + index), "city": who.city, "tags": sorted(who.tags)}
        with runtime.db.transaction() as tx:
            sealed = vault.seal(document, "constituent")
            tx.execute(update(Constituent).where(Constituent.id == person).values(sealed=sealed))
            tx.add_all(
                Message(
                    group_id=group_id, gate_id=gate_id, constituent_id=person, number_hash=hashed, kind="campaign",
                    state=state, language="en", not_before=now,
                )
                for state in who.texts
            )  # fmt: skip
            tx.add_all(
                Reply(
                    group_id=group_id, carrier_sid=f"SM{person:08}{turn:02}", number_hash=hashed, intent="other",
                    outcome=outcome, language="en", confidence=1.0, rule="r", classifier="1",
                    received_at=runtime.clock.real_now(),
                )
                for turn, outcome in enumerate(who.replies)
            )  # fmt: skip
        ids.append(person)
    return ids


def fresh_world(runtime: Runtime) -> tuple[World, int]:
    """A group of its own for each example, and the first of the numbers that are its people's."""
    used[str(runtime.db.url)] += 1
    turn = used[str(runtime.db.url)]
    return make_world(runtime, 0, name=f"Group {turn}"), turn * MOST_PEOPLE % 400


def filled(runtime: Runtime, people: list[Somebody]) -> tuple[World, list[Somebody], list[int], int]:
    """People with everything of them indexed: the world, them, the ids of its two lists, and of a district."""
    world, first = fresh_world(runtime)
    ids = settle(runtime, world.group_id, world.gate_id, people, first)
    with runtime.db.transaction() as tx:
        tags = tag_ids(tx, runtime.vault, world.group_id, TAGS, runtime.clock.now())
        assert set(tags) == set(TAGS)
        other = ContactList(group_id=world.group_id, name="other", created_at=runtime.clock.now())
        tx.add(other)
        tx.flush()
        lists = [world.list_id, other.id]
        tx.add_all(
            ListMembership(list_id=lists[one], constituent_id=person)
            for person, who in zip(ids, people, strict=True)
            for one in who.lists
        )
        district = create_district(tx, runtime, world.group_id, "LD 8", DISTRICT)
    index_facets(runtime)
    return (
        world,
        [Somebody(**{**vars(who), "id": one}) for who, one in zip(people, ids, strict=True)],
        lists,
        district.id,
    )


def placed(tree: Any, lists: list[int], district: int) -> Any:
    """The tree of the strategies with the ids of this world."""
    ((kind, value),) = tree.items()
    if kind in {"all", "any"}:
        return {kind: [placed(part, lists, district) for part in value]}
    if kind == "not":
        return {kind: placed(value, lists, district)}
    return {kind: lists[value] if kind == "list" else district if kind == "district" else value}


def ids_in(runtime: Runtime, group_id: int, tree: Any) -> list[int]:
    with runtime.db.snapshot() as session:
        asked = frozen(session, group_id, stored(session, runtime.vault, group_id, read(tree)))
        query = select(Constituent.id).where(Constituent.group_id == group_id, clause(asked, group_id))
        return list(session.execute(query.order_by(Constituent.id)).scalars())


@given(people=st.lists(PEOPLE, max_size=MOST_PEOPLE), trees=st.lists(TREES, min_size=1, max_size=6))
@limits(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_database_says_what_the_rules_say(runtime: Runtime, people: list[Somebody], trees: list[Any]) -> None:
    assume(all(depth(tree) <= MOST_DEPTH for tree in trees))
    world, settled, lists, district = filled(runtime, people)
    for tree in trees:
        wanted = [who.id for who in settled if says(tree, who)]
        written = placed(tree, lists, district)
        assert ids_in(runtime, world.group_id, written) == wanted

    # And planning, chunk by chunk, comes to those of them who may be texted, and to nobody else.
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        saved = create_segment(tx, runtime, world.group_id, "those", written, by="t")
        edit_draft(tx, world.group_id, campaign_id, lists=[], segments=[saved.id])
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    while not planning._plan_chunk(runtime, wave.id, 2):
        pass
    with runtime.db.snapshot() as session:
        planned = select(Recipient.constituent_id).where(Recipient.wave_id == wave.id)
        assert sorted(session.execute(planned).scalars()) == wanted


CSV = (
    "First name,Phone,City,Tags,ZIP\n"
    "Ana,480-555-0101,Tempe,\"DACA, Block captain\",85281\n"
    "Bo,480-555-0102,tempe,daca,85003\n"
    "Cy,480-555-0103,,,\n"
)  # fmt: skip


@pytest.fixture
def group(runtime: Runtime, tmp_path: Path) -> int:
    made, path = make_group(runtime), tmp_path / "people.csv"
    path.write_text(CSV, encoding="utf-8")
    import_constituents(runtime, made, path, list_name="Fair", consent="ticked the box", recorded_by="t")
    index_facets(runtime)
    return made


def save(runtime: Runtime, group_id: int, name: str, tree: object) -> int:
    with runtime.db.transaction() as tx:
        return create_segment(tx, runtime, group_id, name, tree, by="t").id


def count(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_people_of_before_are_indexed_once_whatever_happens_in_between(runtime: Runtime, group: int) -> None:
    assert len(ids_in(runtime, group, {"tag": "DACA"})) == 2
    assert len(ids_in(runtime, group, {"city": "TEMPE"})) == 2
    assert (count(runtime, Tag), count(runtime, ConstituentTag)) == (2, 3)
    assert index_facets(runtime) == (0, 0)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(city_hash=None))
        damaged = tx.execute(select(func.max(Constituent.id))).scalar_one()
        tx.execute(update(Constituent).where(Constituent.id == damaged).values(sealed=b"\x01x"))
    with runtime.db.snapshot() as session:
        assert not is_indexed(session, group)
    assert index_facets(runtime) == (2, 1)
    assert index_facets(runtime) == (0, 1)
    assert (count(runtime, Tag), count(runtime, ConstituentTag)) == (2, 3)
    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).where(Constituent.id == damaged).values(city_hash=NO_CITY))
    with runtime.db.snapshot() as session:
        assert is_indexed(session, group)


def test_an_import_that_comes_first_is_not_overwritten(runtime: Runtime, group: int) -> None:
    from outreach.people import facets

    with runtime.db.transaction() as tx:
        tx.execute(update(Constituent).values(city_hash=None))
    with runtime.db.snapshot() as session:
        rows = session.execute(facets._OLD, {"after": 0}).all()
    opened = {row.id: runtime.vault.open(row.sealed, "constituent") for row in rows}
    with runtime.db.transaction() as tx:
        known = runtime.vault.seal({**opened[rows[0].id], "city": "Mesa"}, "constituent")
        tx.execute(update(Constituent).where(Constituent.id == rows[0].id).values(sealed=known))
        tx.execute(update(Constituent).where(Constituent.id == rows[1].id).values(city_hash=NO_CITY))
    assert facets._index(runtime, rows, opened) == 1
    assert index_facets(runtime) == (1, 0)
    assert ids_in(runtime, group, {"city": "mesa"}) == [rows[0].id]


def test_tags_of_an_import_are_made_once_and_are_each_groups_own(runtime: Runtime, group: int) -> None:
    other, now = make_group(runtime, "Others"), runtime.clock.now()
    with runtime.db.transaction() as tx:
        ids = tag_ids(tx, runtime.vault, group, ["daca", "DACA", "New  one", " ", ""], now)
        assert ids["daca"] == ids["DACA"]
        assert set(ids) == {"daca", "DACA", "New  one"}
        assert tag_ids(tx, runtime.vault, group, ["new one"], now) == {"new one": ids["New  one"]}
        assert tag_ids(tx, runtime.vault, group, [], now) == {}
        theirs = tag_ids(tx, runtime.vault, other, ["DACA"], now)
        assert theirs["DACA"] != ids["DACA"]
        person = tx.execute(select(func.min(Constituent.id))).scalar_one()
        write_tags(tx, [(ids["New  one"], person), (ids["New  one"], person)])
        write_tags(tx, [(ids["New  one"], person)])
        write_tags(tx, [])
    with runtime.db.snapshot() as session:
        assert [tag.name for tag in tags_of(session, runtime.vault, group)] == ["Block captain", "DACA", "New one"]
    assert ids_in(runtime, group, {"tag": "NEW ONE"}) == [person]
    with runtime.db.transaction() as tx:  # whoever goes takes their tags with them
        tx.execute(delete(ListMembership).where(ListMembership.constituent_id == person))
        tx.execute(delete(Constituent).where(Constituent.id == person))
    assert ids_in(runtime, group, {"tag": "NEW ONE"}) == []


def test_the_database_tells_no_name(runtime: Runtime, group: int) -> None:
    tree = {"all": [{"tag": "DACA"}, {"city": "Tempe"}]}
    segment = save(runtime, group, "DACA in Tempe", tree)
    with runtime.db.snapshot() as session:
        stored_rows = [
            *session.execute(select(Segment.__table__)).all(), *session.execute(select(Tag.__table__)).all(),
            *session.execute(select(Constituent.__table__)).all(),
        ]  # fmt: skip
        found = find_segment(session, runtime.vault, group, segment)
        assert find_by_name(session, runtime.vault, group, "daca  IN tempe").id == segment
    assert (found.name, found.written) == ("DACA in Tempe", read(tree))
    for word in ("DACA", "daca", "Tempe", "tempe"):
        assert word not in str(stored_rows)


def test_saving_changing_and_deleting(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        first = create_segment(tx, runtime, group, " Ours ", {"tag": "DACA"}, by="t")
    assert save(runtime, group, "Ours", {"tag": "DACA"}) == first.id  # sent twice
    for name, tree, code in (
        ("OURS", {"language": "es"}, "segment_name_taken"),
        ("", {"language": "es"}, "segment_name"),
        ("x" * 121, {"language": "es"}, "segment_name"),
        ("B", {"tag": "nobody"}, "segment_tag_unknown"),
        ("B", {"list": 999}, "list_unknown"),
        ("B", {"district": 999}, "district_unknown"),
        ("B", {}, "segment_form"),
    ):
        with pytest.raises((BadInputError, ConflictError)) as refused:
            save(runtime, group, name, tree)
        assert refused.value.code == code
        assert not str(refused.value).startswith(code)
    second = save(runtime, group, "Others", {"language": "es"})

    def change(segment: int, name: str, tree: object, version: str) -> None:
        with runtime.db.transaction() as tx:
            change_segment(tx, runtime, group, segment, name=name, written=tree, version=version)

    change(first.id, "Mine", {"language": "en"}, first.version)
    change(first.id, "Mine", {"language": "en"}, first.version)  # sent twice
    with pytest.raises(ConflictError, match="meanwhile"):
        change(first.id, "Yours", {"language": "en"}, first.version)
    with runtime.db.snapshot() as session:
        assert [one.name for one in segments_of(session, runtime.vault, group)] == ["Mine", "Others"]
        now = find_segment(session, runtime.vault, group, first.id)
    with pytest.raises(ConflictError, match="another name"):
        change(first.id, "others", {"language": "en"}, now.version)
    stranger = make_group(runtime, "Strangers")
    for group_id, segment in ((stranger, second), (group, 999), (group, 2**70), (group, -1)):
        with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
            delete_segment(tx, group_id, segment)
    with runtime.db.transaction() as tx:
        delete_segment(tx, group, second)
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        delete_segment(tx, group, second)


def test_of_two_presses_at_once_one_saves_and_both_are_told_so(runtime: Runtime, group: int) -> None:
    barrier, made = threading.Barrier(2), list[tuple[int, int]]()

    def press() -> None:
        barrier.wait()
        with runtime.db.transaction() as tx:
            district = create_district(tx, runtime, group, "LD 8", ["85003"])
            segment = create_segment(tx, runtime, group, "Ours", {"district": district.id}, by="t")
            made.append((district.id, segment.id))

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert len(made) == 2
    assert len(set(made)) == 1


def test_what_a_draft_will_text_is_not_deleted_and_what_was_launched_stays_as_it_was(
    runtime: Runtime, group: int
) -> None:
    world = World(group, 0, 0, [])
    with runtime.db.transaction() as tx:
        tx.add(ContactList(group_id=group, name="all", created_at=runtime.clock.now()))
        district = create_district(tx, runtime, group, "LD 8", ["85281"])
    campaign_id = draft(runtime, world)
    segment = save(runtime, group, "Ours", {"all": [{"tag": "DACA"}, {"district": district.id}]})
    with runtime.db.transaction() as tx:
        edit_draft(tx, group, campaign_id, lists=[])
    with pytest.raises(BadInputError, match="Choose at least one"), runtime.db.transaction() as tx:
        launch_campaign(tx, runtime, group, campaign_id)
    with runtime.db.transaction() as tx:
        edit_draft(tx, group, campaign_id, segments=[segment])
    for what, words in ((segment, "is going to text"), (district.id, "saved segments ask for")):
        with pytest.raises(ConflictError, match=words), runtime.db.transaction() as tx:
            (delete_segment if what == segment and "going" in words else delete_district)(tx, group, what)
    with runtime.db.snapshot() as session:
        draft_row = session.get_one(Campaign, campaign_id)
        assert draft_row.audience == {"lists": [], "segments": [segment]}
        assert count_draft(session, group, draft_row.audience, runtime.clock.now()).people == 1
        assert account(session, find_wave(session, group, campaign_id), runtime.clock.now()).people == 1
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, group, campaign_id)
        change_district(tx, group, district.id, "LD 8", ["85003"])
        delete_segment(tx, group, segment)
    with runtime.db.transaction() as tx:
        delete_district(tx, group, district.id)
    assert plan_wave(runtime, wave.id, 30)
    with runtime.db.snapshot() as session:
        planned = session.execute(select(Recipient.constituent_id)).scalars().all()
        assert session.get_one(Wave, wave.id).audience["trees"][0]["all"][1] == {"zip": ["85281"]}
        assert account(session, find_wave(session, group, campaign_id), runtime.clock.now()).people == 1
    assert [planned] == [ids_in(runtime, group, {"zip": "85281"})]


def test_another_groups_things_are_not_there(runtime: Runtime, group: int) -> None:
    other = make_world(runtime, 1, name="Others")
    with runtime.db.transaction() as tx:
        district = create_district(tx, runtime, other.group_id, "LD 8", ["85281"])
        theirs = create_segment(tx, runtime, other.group_id, "Theirs", {"list": other.list_id}, by="t")
    for tree, code in (({"list": other.list_id}, "list_unknown"), ({"district": district.id}, "district_unknown")):
        with pytest.raises(BadInputError) as refused:
            save(runtime, group, "Ours", tree)
        assert refused.value.code == code
    with pytest.raises(BadInputError, match="has ever had"):
        save(runtime, other.group_id, "Ours", {"tag": "DACA"})
    campaign_id = draft(runtime, make_world(runtime, 0, name="Third"))
    with runtime.db.snapshot() as session:
        third = session.get_one(Campaign, campaign_id).group_id
    with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
        edit_draft(tx, third, campaign_id, segments=[theirs.id])
    for call in (
        lambda tx: change_district(tx, group, district.id, "x", ["85003"]),
        lambda tx: delete_district(tx, group, district.id),
        lambda tx: change_segment(tx, runtime, group, theirs.id, name="x", written={"language": "es"}, version=""),
    ):
        with pytest.raises(NotFoundError), runtime.db.transaction() as tx:
            call(tx)


def test_districts_have_names_of_their_own(runtime: Runtime, group: int) -> None:
    with runtime.db.transaction() as tx:
        first = create_district(tx, runtime, group, " LD  8 ", ["85003"])
        assert create_district(tx, runtime, group, "LD 8", ["85003"]).id == first.id  # sent twice
        second = create_district(tx, runtime, group, "LD 9", ["85003"])
    for name, code in (("LD 8", "district_name_taken"), (" ", "district_name"), ("x" * 121, "district_name")):
        with pytest.raises((BadInputError, ConflictError)) as refused, runtime.db.transaction() as tx:
            create_district(tx, runtime, group, name, ["85281"])
        assert refused.value.code == code
    with pytest.raises(ConflictError, match="another name"), runtime.db.transaction() as tx:
        change_district(tx, group, second.id, "LD 8", ["85003"])
    with runtime.db.transaction() as tx:
        delete_district(tx, group, second.id)
    assert count(runtime, District) == 1


def test_a_draft_of_lists_and_segments_counts_and_texts_everybody_once(runtime: Runtime) -> None:
    world = make_world(runtime, 6)
    spanish = [make_person(runtime, world.group_id, number(20 + index), language="es") for index in range(3)]
    make_person(runtime, world.group_id, number(30), language="es", consented_at=None)
    campaign_id = draft(runtime, world)
    segment = save(runtime, world.group_id, "Spanish", {"language": "es"})
    with runtime.db.transaction() as tx:
        tx.execute(insert(ListMembership).values(list_id=world.list_id, constituent_id=spanish[0]))
        earlier = runtime.clock.real_now() - timedelta(minutes=1)
        stopped = runtime.vault.number_hash(number(21))
        record_opt_out(tx, runtime.vault, world.group_id, stopped, wording="stop", source="reply", at=earlier)
        edit_draft(tx, world.group_id, campaign_id, segments=[segment])
    with runtime.db.snapshot() as session:
        audience = session.get_one(Campaign, campaign_id).audience
        found = count_draft(session, world.group_id, audience, runtime.clock.now())
    assert audience == {"lists": [world.list_id], "segments": [segment]}
    assert (found.listed, found.people, found.by_language()) == (10, 8, {"en": 6, "es": 2})
    assert {why: people for why, people in found.out.items() if people} == {"opted_out": 1, "no_consent": 1}
    with runtime.db.transaction() as tx:
        wave = launch_campaign(tx, runtime, world.group_id, campaign_id)
    assert plan_wave(runtime, wave.id, 30)
    with runtime.db.snapshot() as session:
        states = session.execute(select(Message.state, func.count()).group_by(Message.state))
        planned = {row[0]: row[1] for row in states}
        told = account(session, find_wave(session, world.group_id, campaign_id), runtime.clock.now())
    assert planned == {"planned": 8, "suppressed": 1}
    assert (told.people, told.recipients) == (10, 9)
    cancel_campaign(runtime, world.group_id, campaign_id)
