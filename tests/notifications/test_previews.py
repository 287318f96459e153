"""Every mail can be looked at before anybody gets it, in every language, and says what it is about."""

import pytest

from notifications.models import Message
from notifications.previews import KINDS, LOCALES, preview
from tests.factories.merchants import merchant
from tests.factories.times import utc

pytestmark = pytest.mark.django_db
AT = utc(2024, 1, 5, 15)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_mail_is_whole_in_each_language(kind, locale):
    seen = preview(merchant(), kind, locale, AT)
    assert seen.subject
    assert "%(" not in seen.subject + seen.text + seen.html
    assert f'<html lang="{locale}">' in seen.html
    assert "Érable & Cie inc." in seen.text
    assert not Message.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_french_is_not_english(kind):
    shop = merchant()
    assert preview(shop, kind, "fr", AT).subject != preview(shop, kind, "en", AT).subject


def test_france_and_quebec_each_have_their_own():
    shop = merchant()
    told = [preview(shop, "card_updated", locale, AT).text for locale in ("fr", "fr-ca")]
    assert "Visa •••• 4242" in told[0]
    assert "Visa •••• 4242" in told[1]


@pytest.mark.parametrize(("kind", "locale"), [("nonsense", "en"), ("receipt", "de")])
def test_what_there_is_none_of(kind, locale):
    with pytest.raises(KeyError):
        preview(merchant(), kind, locale, AT)
