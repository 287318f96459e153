import pytest

from core.periods import Interval
from invoicing.rules import descriptions
from tests.factories.facts import YEARLY, price
from tests.factories.times import utc

# "\u202f" and "\xa0" are the spaces that Babel puts into French numbers and money.


@pytest.mark.parametrize(
    ("of", "quantity", "locale", "said"),
    [
        (price(2000), 2, "en", "2 × Pro plan (at CA$20.00 / month)"),
        (price(2000), 1, "en-ca", "1 × Pro plan (at $20.00 / month)"),
        (price(5000, Interval("month", 3)), 1, "en", "1 × Pro plan (at CA$50.00 every 3 months)"),
        (price("0.5", YEARLY), 1200, "en", "1,200 × Pro plan (at CA$0.005 / year)"),
        (price(900, None), 1, "en", "1 × Pro plan (at CA$9.00 each)"),
        (price(2000), 2, "fr-ca", "2 × Pro plan (à 20,00\xa0$ / mois)"),
        (price(5000, Interval("week", 2)), 1, "fr", "1 × Pro plan (à 50,00\xa0$CA toutes les 2 semaines)"),
        (price(5000, Interval("year", 2)), 1, "fr-ca", "1 × Pro plan (à 50,00\xa0$ tous les 2 ans)"),
        (price(2000, product="", nickname="Gold"), 1, "en", "1 × Gold (at CA$20.00 / month)"),
    ],
)
def test_a_line_says_how_many_of_what_at_which_price(of, quantity, locale, said):
    assert descriptions.recurring_line(of, quantity, locale) == said


@pytest.mark.parametrize(
    ("locale", "said"), [("en", "Trial period for Pro plan"), ("fr-ca", "Période d’essai de Pro plan")]
)
def test_a_trial_says_so(locale, said):
    assert descriptions.trial_line(price(), locale) == said


@pytest.mark.parametrize(
    ("sentence", "quantity", "locale", "tz", "said"),
    [
        (descriptions.unused_time, 2, "en", "UTC", "Unused time on 2 × Pro plan after 11 Apr 2026"),
        (descriptions.remaining_time, 1, "en", "UTC", "Remaining time on Pro plan after 11 Apr 2026"),
        (descriptions.unused_time, 1, "fr-ca", "UTC", "Temps non utilisé pour Pro plan après le 11 avr. 2026"),
        (descriptions.remaining_time, 1, "en", "America/Toronto", "Remaining time on Pro plan after 10 Apr 2026"),
    ],
)
def test_a_proration_says_which_part_of_what_and_from_when(sentence, quantity, locale, tz, said):
    assert sentence(price(), quantity, utc(2026, 4, 11), locale, tz) == said
