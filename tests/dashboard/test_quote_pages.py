"""Quotes offered, taken up, copied and withdrawn on their pages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.models import Quote, Subscription, SubscriptionSchedule
from tests.factories import catalog, customers, merchants


@pytest.fixture
def ada(shop):
    return customers.customer(merchant=shop, name="Ada", payment_method="pm_card_visa")


@pytest.fixture
def pro(shop):
    return catalog.price(merchant=shop, amount=3000)


def form(ada, pro, **more) -> dict[str, str]:
    return {
        "customer_id": ada.pk,
        "price_0": pro.pk,
        "quantity_0": "2",
        **{f"quantity_{row}": "1" for row in (1, 2, 3)},
        "collection_method": "charge_automatically",
        "header": "For you",
    } | more


def made(desk, ada, pro, **more) -> Quote:
    response = desk.post("quote_new", **form(ada, pro, **more))
    assert response.status_code == 302, response.content.decode()
    return Quote.objects.latest("created")


def test_a_quote_is_made_finalized_and_accepted(desk, ada, pro) -> None:
    quote = made(desk, ada, pro)
    assert (quote.status, quote.header, quote.computed["all"]["amount_total"]) == ("draft", "For you", 6000)
    assert desk.post("quote_finalize", quote.pk).status_code == 302
    quote.refresh_from_db()
    page = desk.get("quote", quote.pk).content.decode()
    assert quote.number in page
    assert "60.00" in page
    assert desk.get("quote_pdf", quote.pk).content.startswith(b"%PDF-")
    assert desk.post("quote_accept", quote.pk).status_code == 302
    quote.refresh_from_db()
    assert (quote.status, quote.subscription_id) == ("accepted", Subscription.objects.get().pk)
    assert quote.subscription_id in desk.get("quote", quote.pk).content.decode()


def test_a_later_start_with_a_coupon_becomes_a_schedule(desk, shop, ada, pro) -> None:
    coupon = catalog.coupon(merchant=shop, percent_off=20, duration="forever")
    quote = made(desk, ada, pro, coupon_id=coupon.pk, effective_date="2031-02-10T00:00")
    assert quote.computed["recurring"]["amount_total"] == 4800
    desk.post("quote_finalize", quote.pk)
    desk.post("quote_accept", quote.pk)
    quote.refresh_from_db()
    assert quote.subscription_schedule_id == SubscriptionSchedule.objects.get().pk


def test_a_copy_of_a_numbered_quote_is_its_revision(desk, ada, pro) -> None:
    quote = made(desk, ada, pro)
    desk.post("quote_finalize", quote.pk)
    assert desk.post("quote_cancel", quote.pk).status_code == 302
    assert desk.post("quote_copy", quote.pk).status_code == 302
    copy = Quote.objects.exclude(pk=quote.pk).get()
    assert (copy.status, copy.from_quote_id, copy.is_revision) == ("draft", quote.pk, True)


def test_what_is_refused_is_said_and_nothing_happens(desk, ada, pro) -> None:
    refused = desk.post("quote_new", **form(ada, pro, expires_at="2020-01-01T00:00"))
    assert refused.status_code == 422
    assert "A quote expires in the future" in refused.content.decode()
    assert not Quote.objects.exists()
    draft = made(desk, ada, pro)
    assert desk.post("quote_accept", draft.pk).status_code == 422
    assert desk.get("quote_pdf", draft.pk).status_code == 302


def test_a_read_only_member_looks_and_does_not_act(desk, desk_of, ada, pro) -> None:
    quote = made(desk, ada, pro)
    viewer = desk_of("read_only")
    assert viewer.get("quote", quote.pk).status_code == 200
    assert viewer.post("quote_finalize", quote.pk).status_code == 403


def test_another_merchants_quote_is_not_there(desk, desk_of, ada, pro) -> None:
    quote = made(desk, ada, pro)
    stranger = desk_of(merchant=merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True))
    for name in ("quote", "quote_pdf", "quote_accept"):
        assert stranger.get(name, quote.pk).status_code == 404


def test_the_list_costs_the_same_however_long(desk, ada, pro) -> None:
    made(desk, ada, pro)
    with CaptureQueriesContext(connection) as one:
        assert "Ada" in desk.get("quotes").content.decode()
    for _ in range(3):
        made(desk, ada, pro)
    with CaptureQueriesContext(connection) as four:
        desk.get("quotes")
    assert len(four) == len(one)


def test_it_is_all_said_in_french(desk_of, ada, pro) -> None:
    desk = desk_of(language="fr")
    assert "Nouveau devis" in desk.get("quotes").content.decode()
    assert "Ce qui est proposé" in desk.get("quote_new").content.decode()
