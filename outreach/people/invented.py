"""Invented constituents with numbers that belong to nobody. Seeded, so the same seed tells the same story."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from itertools import islice

CONSENT = "Signed up for texts from this group at a community meeting (invented, for the rehearsal)."
HEADER = ("First Name", "Last Name", "Mobile Phone", "ZIP", "City", "Language")

PLACES = {
    "480": (("85201", "Mesa"), ("85281", "Tempe"), ("85224", "Chandler")),
    "520": (("85701", "Tucson"), ("85705", "Tucson"), ("85621", "Nogales")),
    "602": (("85003", "Phoenix"), ("85009", "Phoenix"), ("85040", "Phoenix")),
    "623": (("85301", "Glendale"), ("85345", "Peoria"), ("85323", "Avondale")),
    "928": (("86001", "Flagstaff"), ("85364", "Yuma"), ("86515", "Window Rock")),
    "505": (("87102", "Albuquerque"), ("87301", "Gallup")),
    "702": (("89101", "Las Vegas"),),
    "619": (("92101", "San Diego"),),
    "801": (("84101", "Salt Lake City"),),
    "719": (("80903", "Colorado Springs"),),
}
ABROAD = ("96813", "Honolulu")
"""One in 250 has a ZIP where the window opens hours later: the rehearsal shows quiet hours at work."""

FIRST_NAMES = (
    "Alma", "Beatriz", "Carlos", "Dana", "Elena", "Farid", "Gloria", "Hugo", "Inés", "Jamal", "Keiko", "Luz", "Marisol",
    "Nadia", "Óscar", "Priya", "Quentin", "Rosa", "Santiago", "Tomás", "Uma", "Valeria", "Walter", "Ximena", "Yusuf",
    "Zoë", "José", "María", "Ana", "Peter", "Nizhoni", "Ahiga",
)  # fmt: skip
LAST_NAMES = (
    "Aguilar", "Begay", "Castillo", "Duarte", "Ellis", "Fuentes", "Garza", "Hassan", "Ibarra", "Jackson", "Kowalski",
    "Lozano", "Muñoz", "Nguyen", "Ochoa", "Peña", "Quiroz", "Ramírez", "Silva", "Tso", "Ureña", "Vega", "Williams",
    "Yazzie", "Zamora",
)  # fmt: skip


def numbers() -> Iterator[str]:
    """E.164 numbers for a rehearsal: first those reserved for fiction (555-01XX), then the 555 exchange's others.

    The second kind is for load on loopback only; 1212, 4334 and the reserved hundred are left out of it.
    """
    for line in range(100, 200):
        for area in PLACES:
            yield f"+1{area}5550{line}"
    for line in range(10_000):
        if line not in {1212, 4334} and not 100 <= line < 200:
            for area in PLACES:
                yield f"+1{area}555{line:04}"


def people_csv(count: int, seed: int, skip: int = 0, ours: str | None = None) -> bytes:
    """A contact file of ``count`` people, as a group would export it; ``skip`` leaves out the first numbers.

    ``ours`` is the group's own number, which nobody else has.

    Raises ValueError beyond about 100,000 people: there are no more numbers of this kind.
    """
    rows = list(islice((number for number in numbers() if number != ours), skip, skip + count))
    if len(rows) < count:
        raise ValueError("no more numbers for a rehearsal")
    chance = random.Random(f"{seed}:{skip}")  # noqa: S311  a story, not a secret
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEADER)
    for index, number in enumerate(rows):
        zip_code, city = ABROAD if index % 250 == 249 else chance.choice(PLACES[number[2:5]])
        if chance.random() < 0.1:
            zip_code = ""
        dashed = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
        language = "Spanish" if chance.random() < 0.3 else "English"
        writer.writerow((chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES), dashed, zip_code, city, language))
    return buffer.getvalue().encode()
