"""Invented subscribers: a name, an address that could be theirs, a language, and mail that reaches nobody. Pure."""

from __future__ import annotations

import random
import re
import string
import unicodedata
from dataclasses import dataclass

from billing_site.demo import places
from billing_site.demo.places import Place

# What Canadian postal codes use.
_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer's own facts, as `customers.services.create_customer` takes them."""

    name: str
    email: str
    phone: str
    line1: str
    line2: str
    city: str
    state: str
    postal_code: str
    country: str
    preferred_locale: str


def person(rng: random.Random, number: int, currency: str, *, company: bool = False) -> Person:
    """Subscriber `number`, who pays in `currency`. The number keeps two people of one name apart."""
    choices = places.BY_CURRENCY.get(currency, places.QUEBEC)
    place = rng.choices(choices, [choice.weight for choice in choices])[0]
    locale = rng.choice(place.locales)
    french = locale.startswith("fr")
    first = rng.choice(places.FIRST_FR if french else places.FIRST_EN)
    last = rng.choice(places.LAST_FR if french or rng.random() < 0.2 else places.LAST_EN)
    name, mailbox = f"{first} {last}", f"{first}.{last}"
    if company:
        name = rng.choice(places.COMPANIES)
        mailbox = f"compta.{name}" if french else f"accounts.{name}"
    return Person(
        name=name,
        email=f"{_ascii(mailbox)}{number}@{rng.choice(('example.com', 'example.org'))}",
        phone=f"{place.phone}-555-{rng.randint(100, 199):04d}",
        line1=_street(rng, place, french),
        line2=rng.choice(places.UNITS_FR if french else places.UNITS_EN) if rng.random() < 0.25 else "",
        city=place.city,
        state=place.state,
        postal_code=_postal_code(rng, place),
        country=place.country,
        preferred_locale=locale,
    )


def _street(rng: random.Random, place: Place, french: bool) -> str:
    number = rng.randint(4, 9800) if place.country == "CA" else rng.randint(2, 320)
    if french and place.country == "CA":
        return f"{number}, {rng.choice(places.STREETS_FR)}"
    return f"{number} {rng.choice(places.STREETS_FR if french else places.STREETS_EN)}"


def _postal_code(rng: random.Random, place: Place) -> str:
    start = rng.choice(place.postal)
    if place.country != "CA":
        return start
    return f"{start} {rng.choice(string.digits)}{rng.choice(_LETTERS)}{rng.choice(string.digits)}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.sub(r"[^a-z0-9]+", ".", "".join(char for char in plain if not unicodedata.combining(char))).strip(".")
