"""A mail's link is good for one invoice, one purpose, until its day."""

from datetime import timedelta

import pytest

from notifications.links import CONFIRM, FIX, LinkBroken, LinkExpired, OnePurpose, read_link, sign_link
from tests.factories.times import utc

UNTIL = utc(2024, 2, 1)
LINK = OnePurpose(FIX, "acct_1", "in_1", UNTIL)


def test_it_says_what_it_is_good_for():
    assert read_link(FIX, sign_link(LINK), UNTIL - timedelta(seconds=1)) == LINK


def test_on_its_day_it_is_over():
    with pytest.raises(LinkExpired) as over:
        read_link(FIX, sign_link(LINK), UNTIL)
    assert over.value.params == {"date": "2024-02-01", "link": LINK}


def test_one_purpose_is_not_another():
    with pytest.raises(LinkBroken):
        read_link(CONFIRM, sign_link(LINK), UNTIL - timedelta(days=1))


@pytest.mark.parametrize("token", ["", "x", "a:b", sign_link(LINK)[:-1], "A" + sign_link(LINK), "é:ü", ":"])
def test_what_was_changed_opens_nothing(token):
    with pytest.raises(LinkBroken):
        read_link(FIX, token, UNTIL - timedelta(days=1))
