"""The demo merchant: whole after one call, unchanged by a second, and ready to be played with."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.management import call_command
from django.test import Client
from PIL import Image

from billing_site.demo.logo import logo_png
from billing_site.demo.regulars import REGULARS
from catalog.models import PaymentLink, Price
from core.context import Context
from customers.models import Customer, TestClock
from engine.services.clocks import advance_clock, advance_clock_now
from invoicing.models import Invoice
from merchants.models import Membership, Merchant, User
from tests.admin.rows import our_models

pytestmark = pytest.mark.django_db


def demo(capsys) -> dict:
    call_command("demo", "--json", "--subscribers", "5", "--days", "45")
    [line] = capsys.readouterr().out.splitlines()
    return json.loads(line)


def rows() -> Counter[str]:
    # Each call makes a fresh one-time link to the portal.
    models = [model for model in our_models() if model.__name__ != "PortalSession"]
    return Counter({model.__name__: model._default_manager.count() for model in models})


def test_one_call_makes_the_shop_its_people_and_a_sandbox(capsys) -> None:
    told = demo(capsys)
    live = Merchant.objects.get(livemode=True)
    assert (told["merchant"], live.name, live.locale) == ("Bout du Rang", "Bout du Rang", "fr-ca")
    assert set(Price.objects.filter(merchant=live).values_list("currency", flat=True)) == {"cad", "eur", "usd"}
    assert set(Price.objects.filter(merchant=live).values_list("type", flat=True)) == {"recurring", "one_time"}
    assert Customer.objects.filter(merchant=live, metadata__has_key="simulated").count() == 5
    assert PaymentLink.objects.filter(merchant=live, tax_rate_ids__len=2).count() == 6
    assert Image.open(live.logo).size == (256, 256)
    sandbox = Merchant.objects.get(parent=live)
    assert set(Membership.objects.filter(merchant=sandbox).values_list("role", flat=True)) == {"owner", "read_only"}


def test_a_second_call_seeds_nothing_and_says_the_same_logins(capsys) -> None:
    first = demo(capsys)
    before = rows()
    second = demo(capsys)
    assert rows() == before
    assert second["logins"] == first["logins"]


def test_the_printed_logins_work_with_verified_addresses(capsys) -> None:
    for login in demo(capsys)["logins"]:
        user = User.objects.get(email=login["email"])
        assert user.check_password(login["password"])
        assert user.emailaddress_set.get().verified
        assert user.is_superuser == (login["role"] == "staff")


def test_the_printed_links_open(capsys, client: Client, settings) -> None:
    told = demo(capsys)
    for name in ("payment_link", "portal_link"):
        path = told[name].removeprefix(settings.SITE_URL)
        assert client.get(path, follow=True).status_code == 200, name


def test_the_sandboxs_clock_can_be_advanced_three_months(capsys) -> None:
    demo(capsys)
    clock = TestClock.objects.get()
    wall = clock.frozen_time
    ctx = Context(as_of=wall, recorded_at=wall)
    advance_clock(ctx=ctx, merchant_id=clock.merchant_id, clock_id=clock.id, to=wall + timedelta(days=93))
    assert advance_clock_now(ctx=ctx, clock_id=clock.id)
    numbers = Invoice.objects.filter(merchant_id=clock.merchant_id).order_by("number_value")
    assert list(numbers.values_list("number", "status")) == [(f"ESSAI-000{n}", "paid") for n in range(1, 5)]


def test_what_a_killed_call_left_out_is_made_by_the_next(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from billing_site.demo import seeding

    class Killed(BaseException):
        pass

    def killed(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(seeding, "_sandbox", killed)
        with pytest.raises(Killed):
            demo(capsys)
    capsys.readouterr()
    demo(capsys)
    assert Merchant.objects.filter(livemode=True).count() == 1
    assert Merchant.objects.filter(livemode=False).count() == 1
    assert Customer.objects.filter(merchant__livemode=True).count() == 5 + len(REGULARS)


def test_the_logo_is_a_small_picture() -> None:
    assert len(logo_png()) < 20_000
    assert Image.open(BytesIO(logo_png())).mode == "RGBA"
