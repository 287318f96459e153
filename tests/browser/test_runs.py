"""The billing run under control, in a real browser."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from engine.models import BillingRun, Refusal
from merchants.models import Merchant
from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def shop(transactional_db) -> Merchant:
    """Two subscribers since New Year's Day of 2024: by now the monthly one is due, the daily one beyond the bound."""
    cache.clear()
    shop = merchants.merchant(name="Érable")
    merchants.membership(merchant=shop, user=merchants.user(email="o@erable.example", password="correct horse"))
    ada = customers.customer(merchant=shop, name="Ada", payment_method="pm_card_visa")
    subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=2000)], at=NEW_YEAR)
    daily = subscription(customer=ada, prices=[catalog.price(merchant=shop, interval="day")], at=NEW_YEAR)
    Refusal.objects.create(
        merchant=shop, object_id=daily.id, kind="renewal", code="too_many_missed_periods",
        message="More than %(most)s periods of %(item)s were missed: look at it before it is billed.",
        params={"most": "60", "item": "si_1"}, retry_at=NEW_YEAR, created=NEW_YEAR, recorded_at=NEW_YEAR,
    )  # fmt: skip
    return shop


@pytest.fixture
def page(browser_page: "Page", shop: Merchant) -> "Page":
    browser_page.goto("/dashboard/")
    browser_page.fill("[name=login]", "o@erable.example")
    browser_page.fill("[name=password]", "correct horse")
    browser_page.click("main button[type=submit]")
    browser_page.wait_for_url("**/dashboard/")
    return browser_page


def test_a_dry_run_from_the_button_to_the_figures(page) -> None:
    page.goto(reverse("dashboard:runs"))
    page.click("text=Dry run")
    page.click("dialog >> text=Start the dry run")
    page.wait_for_selector("h1:has-text('What would be billed by')")
    assert page.inner_text(".kpis .kpi >> nth=0 >> .kpi-value") == "2"
    assert "More than 60 periods of" in page.inner_text(".attention")


def test_a_run_that_goes_on_is_seen_to_go_on(page) -> None:
    now = timezone.now()  # noqa: TID251 - the page shows what moved within the last minutes of the wall
    run = BillingRun.objects.create(
        kind="renewal", worker="host-a:7", as_of=now, chunks=1, done=500,
        started_at=now - timedelta(seconds=2), noted_at=now, recorded_at=now,
    )  # fmt: skip
    page.goto(reverse("dashboard:runs"))
    assert "500" in page.inner_text("#runs-live")
    BillingRun.objects.filter(id=run.id).update(done=1500)
    page.wait_for_selector("#runs-live:has-text('1,500')")  # of itself, within two seconds


def test_ticked_refusals_are_asked_for_again(page) -> None:
    page.goto(reverse("dashboard:refusals"))
    page.check("input[name=id]")
    page.click("text=Retry the ticked ones")
    page.click("form[method=post] >> text=Retry")
    page.wait_for_selector(".toast-note:has-text('1 is due again.')")
    assert Refusal.objects.get().retried_by
