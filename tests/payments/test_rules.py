"""What a look-up says of an attempt, what may go back, and that answers only move a charge forward."""

from datetime import timedelta

import pytest

from events.copying import Row
from payments.rules import (
    ChargeAlreadyRefunded,
    NothingToRefund,
    RefundMoreThanCharged,
    RefundNotPositive,
    charge_key,
    intent_key,
    key_is_alive,
    key_is_dead,
    refundable,
    split_payment,
    standing_of_attempt,
)
from payments.settling import settle
from payments.types import (
    REPLAYED_ERROR,
    Authorized,
    Declined,
    GatewayIntent,
    IntentCanceled,
    NotConfirmed,
    Processing,
    RequiresAction,
    Succeeded,
    Unknown,
)
from tests.factories.times import NEW_YEAR

DECLINED = Declined("card_declined", gateway_charge_id="ch_theirs")


@pytest.mark.parametrize(
    ("standing", "latest", "known", "said"),
    [
        pytest.param(DECLINED, "ch_theirs", set(), DECLINED, id="a decline nobody brought home is this attempt's"),
        pytest.param(DECLINED, "ch_theirs", {"ch_theirs"}, NotConfirmed(), id="an earlier attempt's decline is not"),
        pytest.param(DECLINED, "", set(), NotConfirmed(), id="nor one without a charge"),
        pytest.param(Succeeded("ch_1"), "ch_1", {"ch_1"}, Succeeded("ch_1"), id="money counts, whoever's"),
        pytest.param(NotConfirmed(), "", set(), NotConfirmed(), id="never confirmed"),
        pytest.param(IntentCanceled(), "ch_1", {"ch_1"}, IntentCanceled(), id="canceled"),
    ],
)
def test_a_look_up_tells_this_attempt_from_earlier_ones(standing, latest, known, said):
    intent = GatewayIntent("pi_theirs", standing, latest_charge_id=latest)
    assert standing_of_attempt(intent, known) == said


def test_a_new_attempt_has_a_new_key_and_a_restarted_worker_the_same():
    assert charge_key("pi_1", 1) == charge_key("pi_1", 1) != charge_key("pi_1", 2)


@pytest.mark.parametrize(("hours", "alive"), [(0, True), (19, True), (20, False), (48, False)])
def test_a_key_is_trusted_for_20_hours(hours, alive):
    assert key_is_alive(NEW_YEAR, NEW_YEAR + timedelta(hours=hours)) is alive


@pytest.mark.parametrize(("asked", "refunded", "given"), [(None, 0, 1000), (None, 400, 600), (300, 400, 300)])
def test_what_may_go_back(asked, refunded, given):
    assert refundable(asked, charged=1000, refunded=refunded, status="succeeded") == given


@pytest.mark.parametrize(
    ("asked", "refunded", "status", "refused"),
    [
        (None, 0, "failed", NothingToRefund),
        (None, 1000, "succeeded", ChargeAlreadyRefunded),
        (0, 0, "succeeded", RefundNotPositive),
        (-1, 0, "succeeded", RefundNotPositive),
        (601, 400, "succeeded", RefundMoreThanCharged),
    ],
)
def test_what_may_not_go_back(asked, refunded, status, refused):
    with pytest.raises(refused):
        refundable(asked, charged=1000, refunded=refunded, status=status)


@pytest.mark.parametrize(
    ("amount", "owed", "split"),
    [(1000, 1000, (1000, 0)), (300, 1000, (300, 0)), (1500, 1000, (1000, 500)), (5, 0, (0, 5))],
)
def test_what_a_payment_settles_and_what_is_over(amount, owed, split):
    assert split_payment(amount, owed) == split


def rows(status: str) -> tuple[Row, Row]:
    charge = Row(id="ch_1", status=status, version=3, payment_method_id="pm_1", gateway_charge_id="", amount=1000)
    held_at = NEW_YEAR if status == "authorized" else None
    charge.update(authorized_at=held_at, amount_to_capture=None, amount_captured=None, resolve_after=None)
    intent = Row(id="pi_1", amount=1000, status="requires_confirmation", version=5, cancellation_reason="")
    return charge, intent


def settled(status: str, standing) -> tuple[str, str, int]:
    """(what settling says, the charge's status, by how much its version moved)."""
    charge, intent = rows(status)
    said = settle(charge, intent, standing, NEW_YEAR, NEW_YEAR)
    return said, charge.status, charge.version - 3


@pytest.mark.parametrize(
    ("status", "standing", "expected"),
    [
        ("planned", Succeeded("x"), ("succeeded", "succeeded", 1)),
        ("unknown", Succeeded("x"), ("succeeded", "succeeded", 1)),
        ("planned", DECLINED, ("failed", "failed", 1)),
        ("planned", RequiresAction(), ("requires_action", "requires_action", 1)),
        ("planned", Processing(), ("processing", "processing", 1)),
        ("planned", NotConfirmed(), ("canceled", "canceled", 1)),
        ("requires_action", IntentCanceled(), ("canceled", "canceled", 1)),
        ("planned", Authorized("x"), ("authorized", "authorized", 1)),
        ("authorized", Succeeded("x", captured=600), ("succeeded", "succeeded", 1)),
        ("authorized", IntentCanceled(), ("canceled", "canceled", 1)),
        ("processing", DECLINED, ("failed", "failed", 1)),
        # Nothing new to tell: only the next look moves.
        ("planned", Unknown(), ("waiting", "unknown", 0)),
        ("processing", Unknown(), ("waiting", "processing", 0)),
        ("requires_action", Unknown(), ("waiting", "requires_action", 0)),
        ("processing", Processing(), ("waiting", "processing", 0)),
        ("requires_action", RequiresAction(), ("waiting", "requires_action", 0)),
        ("authorized", Authorized("x"), ("waiting", "authorized", 0)),
        ("authorized", Unknown(), ("waiting", "authorized", 0)),
        # What is settled stays settled, but money that comes late is still money.
        ("succeeded", DECLINED, ("", "succeeded", 0)),
        ("failed", Succeeded("x"), ("", "failed", 0)),
        ("canceled", DECLINED, ("", "canceled", 0)),
        ("canceled", Succeeded("x"), ("succeeded", "succeeded", 1)),
    ],
)
def test_an_answer_only_moves_a_charge_forward(status, standing, expected):
    assert settled(status, standing) == expected


@pytest.mark.parametrize(
    ("standing", "promised", "said"),
    [
        # what is held stands until its day; then the gateway lets it go by itself
        (Authorized("x", NEW_YEAR + timedelta(days=7)), None, ("authorized", "requires_capture", "", 7)),
        (Authorized("x"), None, ("authorized", "requires_capture", "", 1)),
        (IntentCanceled(), None, ("canceled", "canceled", "automatic", None)),
        (IntentCanceled(), 0, ("canceled", "canceled", "", None)),  # canceled by whoever asked, without a reason
        (Succeeded("x", captured=600), 600, ("succeeded", "succeeded", "", None)),
    ],
)
def test_what_is_held_is_captured_let_go_of_or_runs_out(standing, promised, said):
    charge, intent = rows("planned")
    settle(charge, intent, Authorized("x", NEW_YEAR + timedelta(days=7)), NEW_YEAR, NEW_YEAR)
    charge["amount_to_capture"] = promised
    settle(charge, intent, standing, NEW_YEAR, NEW_YEAR)
    days = (charge.next_action_at - NEW_YEAR).days if charge.next_action_at else None
    assert (charge.status, intent.status, intent.cancellation_reason, days) == said
    if isinstance(standing, Succeeded):
        assert (charge.amount_captured, intent.amount_received) == (600, 600)


def test_a_debits_next_look_is_its_day_or_tomorrow():
    charge, intent = rows("planned")
    settle(charge, intent, Processing(NEW_YEAR + timedelta(days=3)), NEW_YEAR, NEW_YEAR)
    assert charge.next_action_at == NEW_YEAR + timedelta(days=3)
    settle(charge, intent, Processing(NEW_YEAR + timedelta(days=3)), NEW_YEAR + timedelta(days=4), NEW_YEAR)
    assert charge.next_action_at == NEW_YEAR + timedelta(days=5)


@pytest.mark.parametrize(
    ("standing", "minutes", "dead"),
    [
        (Unknown(REPLAYED_ERROR), 10, True),
        (Unknown(REPLAYED_ERROR), 9, False),  # its server may still be at work
        (Unknown("http_500"), 600, False),  # the first answer, not a stored one
        (Unknown("no_answer"), 600, False),
        (Succeeded("ch_1"), 600, False),
    ],
)
def test_a_key_is_dead_when_it_only_repeats_a_stored_error(standing, minutes, dead):
    assert key_is_dead(standing, NEW_YEAR, NEW_YEAR + timedelta(minutes=minutes)) == dead


def test_a_later_attempt_makes_its_intent_under_a_key_of_its_own():
    assert [intent_key("pi_1", attempt) for attempt in (1, 2)] == ["pi_1/create", "pi_1/create/2"]
