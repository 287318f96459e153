"""The example's year of a customer, lived against a real server: each invoice argued with."""

from __future__ import annotations

from typing import Any

import pytest
from django_q.models import OrmQ

from engine.tasks import advance_clock
from examples.year_of_a_customer import Year
from tests.api.sdk import Sdk


def work(clock_id: str) -> None:
    OrmQ.objects.all().delete()
    advance_clock(clock_id)


@pytest.mark.slow
def test_a_year_of_a_customer(sdk: Sdk, capsys: Any) -> None:
    year = Year(sdk.client, wait=work)
    year.live()
    year.tell()
    invoices = year.invoices()
    assert [one.total for one in invoices] == [
        0,  # the trial
        2100,  # Basic 20.00 and 5 %
        2835,  # Basic, 350 paid calls at 2 cents, 5 %
        1575,  # on 1 March, 14 of 28 days left: -10.00 of Basic, 25.00 of Team, 5 %
        5250,  # Team
        *[4200] * 3,  # 20 % off for three months
        *[5250] * 5,
        0,  # the usage of the last month
    ]
    assert all(one.status == "paid" for one in invoices)
    # The balance that the credit note gave is spent by the invoice after it.
    assert invoices[-2].amount_paid == 5250 - 500
    assert year.status() == "canceled"
    assert "Unused time on Basic" in capsys.readouterr().out
