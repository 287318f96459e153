"""The billing run under control: dry runs, what runs now, refusals asked for again."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django_q.models import Failure, OrmQ

from dashboard.actions import new_action_token
from engine.models import BillingRun, DryRun, Refusal
from engine.services.renew import run_renewals
from invoicing.models import Invoice
from subscriptions.models import Subscription
from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

NOW = utc(2024, 2, 2)


@pytest.fixture(autouse=True)
def _it_is_the_second_of_february(monkeypatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def due(shop) -> Subscription:
    """Subscribed on New Year's Day, seen on 2 February: one period of 20.00 is due."""
    ada = customers.customer(merchant=shop, payment_method="pm_card_visa")
    return subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=2000)], at=NEW_YEAR)


def refusal(shop, row, **fields) -> Refusal:
    Subscription.objects.filter(id=row.id).update(next_action_at=NOW + timedelta(hours=1))
    return Refusal.objects.create(
        **{
            "merchant": shop,
            "object_id": row.id,
            "kind": "renewal",
            "code": "internal_error",
            "message": "This could not be billed because of an unexpected error (%(error)s).",
            "params": {"error": "ZeroDivisionError"},
            "retry_at": NEW_YEAR,
            "created": NEW_YEAR,
            "recorded_at": NEW_YEAR,
            **fields,
        }
    )


class TestDryRun:
    def test_shows_what_would_be_billed_and_bills_nothing(self, desk, due) -> None:
        answer = desk.post("dry_run_new", step="now")
        found = DryRun.objects.get()
        assert answer["Location"] == reverse("dashboard:dry_run", args=[found.pk])
        page = desk.get("dry_run", found.pk).content.decode()
        assert "$20.00" in page
        assert "CAD" in page
        assert "Finished" in page
        assert Invoice.objects.get().billing_reason == "subscription_create"

    def test_in_french_its_figures_read_as_french(self, desk_of, due) -> None:
        desk = desk_of(language="fr-ca")
        desk.post("dry_run_new", step="31")
        page = desk.get("dry_run", DryRun.objects.get().pk).content.decode()
        assert "Ce qui serait facturé" in page
        assert "40,00\xa0$" in page

    def test_a_moment_in_the_past_is_refused_beside_its_field(self, desk) -> None:
        answer = desk.post("dry_run_new", step="own", as_of="2020-01-01T00:00")
        assert answer.status_code == 422
        assert "between now and a year from now" in answer.content.decode()
        assert desk.post("dry_run_new", step="own").status_code == 422
        assert desk.post("dry_run_new", step="own", as_of="never").status_code == 422
        assert not DryRun.objects.exists()

    def test_a_moment_that_is_written_down_is_meant_without_its_button(self, desk, due) -> None:
        desk.post("dry_run_new", step="now", as_of="2024-03-02T00:00")
        assert DryRun.objects.get().as_of == utc(2024, 3, 2)

    def test_another_merchants_is_not_there(self, desk) -> None:
        other = merchants.merchant(name="Elsewhere", prefix="ELSE")
        found = DryRun.objects.create(
            merchant=other, as_of=NEW_YEAR, figures={}, created=NEW_YEAR, recorded_at=NEW_YEAR
        )
        assert desk.get("dry_run", found.pk).status_code == 404

    def test_one_that_still_plans_fetches_itself_again(self, desk, shop) -> None:
        figures = {
            "subscriptions": 500,
            "not_billed": 0,
            "refused": 0,
            "billed": {"cad": [500, 100000]},
            "refusals": [],
        }
        found = DryRun.objects.create(
            merchant=shop, as_of=NEW_YEAR, figures=figures, created=NEW_YEAR, recorded_at=NEW_YEAR
        )
        page = desk.get("dry_run", found.pk).content.decode()
        assert 'hx-trigger="every 2s"' in page
        assert "still planning" in page


class TestWhatRuns:
    def test_what_is_due_and_what_runs_is_shown_with_its_figures(self, desk, due) -> None:
        BillingRun.objects.create(
            kind="renewal", worker="host-a:7", as_of=NOW, chunks=4, done=2000, refused=1,
            started_at=NOW - timedelta(seconds=2), noted_at=NOW, recorded_at=NOW,
        )  # fmt: skip
        page = desk.get("runs_live").content.decode()
        assert "host-a:7" in page
        assert "2,000" in page
        assert "1,000" in page
        assert "<html" not in page

    def test_a_run_whose_worker_died_is_told_as_interrupted(self, desk) -> None:
        BillingRun.objects.create(
            kind="renewal", as_of=NEW_YEAR, started_at=NEW_YEAR, noted_at=NEW_YEAR, recorded_at=NEW_YEAR
        )
        assert "Interrupted" in desk.get("runs").content.decode()

    def test_the_history_exports_its_figures(self, desk) -> None:
        BillingRun.objects.create(
            kind="renewal", worker="host-a:7", as_of=NEW_YEAR, chunks=2, done=900, started_at=NEW_YEAR,
            noted_at=utc(2024, 1, 1, 0, 0, 3), ended_at=utc(2024, 1, 1, 0, 0, 3), recorded_at=NEW_YEAR,
        )  # fmt: skip
        sheet = b"".join(desk.get("runs", data={"format": "csv"}).streaming_content).decode()
        assert "finished,900,0,2,3.0,300" in sheet


class TestRetry:
    def test_one_is_due_again_and_remembers_who_asked(self, desk, shop, due) -> None:
        found = refusal(shop, due)
        url = f"{reverse('dashboard:refusals_retry')}?id={found.id}"
        assert "takes 1 refused object up" in desk.client.get(url).content.decode()
        desk.client.post(url, {"action_token": new_action_token(str(desk.user.pk))})
        found.refresh_from_db()
        due.refresh_from_db()
        assert found.retried_by == f"user:{desk.user.pk}"
        assert due.next_action_at <= NOW
        assert OrmQ.objects.get().func() == "engine.tasks.renew"

    def test_all_and_the_ticked_ones(self, desk, shop, due) -> None:
        rows = [refusal(shop, due, kind=kind) for kind in ("renewal", "schedule")]
        url = reverse("dashboard:refusals_retry")
        assert "takes 2 refused objects up" in desk.client.get(f"{url}?all=1").content.decode()
        ticked = f"{url}?id={rows[0].id}&id={rows[1].id}"
        assert "takes 2 refused objects up" in desk.client.get(ticked).content.decode()

    def test_with_nothing_ticked_it_says_so(self, desk) -> None:
        answer = desk.post("refusals_retry")
        assert answer.status_code == 422
        assert "None of these refusals is open" in answer.content.decode()

    def test_the_list_says_why_and_links_to_the_object(self, desk, shop, due) -> None:
        refusal(shop, due)
        page = desk.get("refusals").content.decode()
        assert "unexpected error (ZeroDivisionError)" in page
        assert reverse("dashboard:subscription", args=[due.id]) in page
        assert "Retry all" in page

    def test_what_the_run_refused_is_said_in_the_readers_language(self, desk_of, shop) -> None:
        ada = customers.customer(merchant=shop, payment_method="pm_card_visa")
        daily = catalog.price(merchant=shop, interval="day")
        subscription(customer=ada, prices=[daily], at=utc(2023, 11, 1))  # 92 days missed
        run_renewals(ctx=context(NOW))
        assert "Plus de 60 périodes de" in desk_of(language="fr-ca").get("refusals").content.decode()
        assert "More than 60 periods of" in desk_of().get("refusals").content.decode()


class TestPermissions:
    @pytest.mark.parametrize("name", ["dry_run_new", "refusals_retry"])
    def test_who_only_looks_starts_nothing(self, desk_of, name) -> None:
        desk = desk_of("read_only")
        assert (desk.get(name).status_code, desk.post(name, step="now").status_code) == (403, 403)

    def test_who_only_looks_sees_no_buttons(self, desk_of, shop, due) -> None:
        refusal(shop, due)
        desk = desk_of("read_only")
        page = desk.get("refusals").content.decode()
        assert "unexpected error" in page
        assert reverse("dashboard:refusals_retry") not in page
        assert reverse("dashboard:dry_run_new") not in desk.get("runs").content.decode()
        assert desk.get("runs_live").status_code == 200


@pytest.mark.parametrize(
    ("func", "stopped", "said"),
    [
        ("engine.tasks.renew", NOW - timedelta(hours=1), True),
        ("engine.tasks.renew", NOW - timedelta(days=2), False),
        ("notifications.tasks.send", NOW - timedelta(hours=1), False),
    ],
    ids=["of the run, lately", "long ago", "of something else"],
)
def test_what_failed_of_the_run_or_was_set_aside_is_said_above_it(desk, func, stopped, said) -> None:
    Failure.objects.create(id="f" * 32, name="x", func=func, started=stopped, stopped=stopped, success=False)
    page = desk.get("runs").content.decode()
    assert ("set aside because it ended its worker: renew." in page) is said
