"""The words that people read: collected without loss, and all of them said in French."""

from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import trans_real

from billing_site.words import LANGUAGES, catalogue_path, collect_words, found_words, key_of, unsaid_words

FRENCH_HEADER = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"""


@pytest.fixture
def house(tmp_path) -> Path:
    """Two rooms, one of which brings its own words, with a template each."""
    files = {
        "shop/views.py": 'from x import gettext as _\n_("Basket")\n_("%(n)s left")\n',
        "parlour/views.py": 'from x import pgettext\npgettext("tea", "Cup")\n',
        "templates/shop/page.html": "{% load i18n %}<p>\n    {% trans 'Pay now!' %}\n  </p>",
        "templates/parlour/page.html": "{% load i18n %}"
        "{% blocktrans count n=n %}{{ n }} cup{% plural %}{{ n }} cups{% endblocktrans %}",
        "tests/test_shop.py": '_("never collected")',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for room in ("", "parlour"):
        for language in LANGUAGES:
            catalogue_path(tmp_path, room, language).parent.mkdir(parents=True)
    return tmp_path


def collect(house: Path) -> None:
    for path, content in collect_words(house).items():
        path.write_bytes(content)


def say(house: Path, room: str, text: str, language: str = "fr") -> None:
    catalogue_path(house, room, language).write_text(FRENCH_HEADER + "\n" + text)


def said(house: Path, room: str, language: str = "fr") -> str:
    return catalogue_path(house, room, language).read_text()


def test_a_room_keeps_the_words_of_its_code_and_of_its_templates(house):
    found = {room: {key_of(m) for m in words if m.id} for room, words in found_words(house).items()}

    assert found == {
        "": {(None, "Basket"), (None, "%(n)s left"), (None, "Pay now!")},
        "parlour": {("tea", "Cup"), (None, "%(n)s cup")},
    }


def test_collecting_twice_changes_nothing(house):
    say(house, "", 'msgid "Basket"\nmsgstr "Panier"\n')
    collect(house)
    once = {path: path.read_bytes() for path in house.rglob("*.po")}
    collect(house)

    assert {path: path.read_bytes() for path in house.rglob("*.po")} == once


def test_a_translation_is_kept_and_follows_a_word_that_moves_to_another_room(house):
    say(house, "", 'msgid "Basket"\nmsgstr "Panier"\n\nmsgctxt "tea"\nmsgid "Cup"\nmsgstr "Tasse"\n')
    collect(house)

    assert 'msgid "Basket"\nmsgstr "Panier"' in said(house, "")
    assert 'msgid "Cup"\nmsgstr "Tasse"' in said(house, "parlour")
    assert "Cup" not in said(house, "")


def test_a_word_that_nobody_asks_for_any_more_is_dropped(house):
    say(house, "", 'msgid "Till"\nmsgstr "Caisse"\n')
    collect(house)

    assert "Till" not in said(house, "")


def test_canadian_french_begins_as_french_with_its_own_punctuation(house):
    say(house, "", 'msgid "Pay now!"\nmsgstr "Payez\u202f!"\n')
    collect(house)

    assert 'msgstr "Payez!"' in said(house, "", "fr_CA")
    assert unsaid_words(house, "fr_CA") == ["%(n)s cup", "%(n)s left", "Basket", "Cup"]


def test_what_canada_says_otherwise_stays(house):
    say(house, "", 'msgid "Basket"\nmsgstr "Panier"\n')
    say(house, "", 'msgid "Basket"\nmsgstr "Corbeille"\n', "fr_CA")
    collect(house)

    assert 'msgid "Basket"\nmsgstr "Corbeille"' in said(house, "", "fr_CA")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_house_has_its_french(language):
    assert unsaid_words(Path(settings.BASE_DIR), language) == []


@pytest.mark.parametrize("language", ["fr", "fr-ca"])
@pytest.mark.parametrize("english", ["Schedules", "Your card has expired.", "There is no such feature."])
def test_a_reader_is_given_the_french(language, english):
    translations = trans_real.translation(language)

    assert translations.gettext(english) != english
