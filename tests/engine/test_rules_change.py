from dataclasses import replace

import pytest

from core.periods import Interval
from engine.rules import change as changes, changing
from engine.rules.previews import preview_change
from engine.types import BillingSettings, ChangeRequest, ChangeSnapshot, ItemChange
from invoicing.types import CustomerFacts, PendingItemFacts
from subscriptions.rules.amounts import QuantityInvalid
from subscriptions.rules.prices import CustomerCurrencyMismatch, PriceIntervalNotMultiple
from subscriptions.rules.status import SubscriptionIsTerminal
from subscriptions.types import DebitClosing, DiscountMove, ItemUpdate, NewItem
from tests.factories.books import Books
from tests.factories.facts import (
    GST,
    QST,
    RATES,
    YEARLY,
    amount_off,
    debit,
    discount,
    item,
    monthly_subscription,
    percent_off,
    price,
    renewal,
    subscription,
)
from tests.factories.times import utc

APRIL_1, APRIL_11, APRIL_21, MAY_1 = utc(2026, 4, 1), utc(2026, 4, 11), utc(2026, 4, 21), utc(2026, 5, 1)

BASIC, PRO = price(1000, id="basic", product="Basic"), price(2000, id="pro")
PRO_YEARLY = price(24000, YEARLY, id="pro_yearly")
SUPPORT = price(300, id="support", product="Support")
TO_PRO, TO_BASIC = ItemChange("si_1", "pro"), ItemChange("si_1", "basic")


def books(of=BASIC, *, taxed=False, settings=None, discounts=(), **fields) -> Books:
    """A customer on Basic whose April is billed and paid."""
    rates = {"default_tax_rate_ids": (GST.id, QST.id)} if taxed else {}
    running = monthly_subscription(of, start=utc(2026, 3, 1), end=APRIL_1, **(rates | fields))
    snapshot = renewal(running, tax_rates=RATES, discounts=tuple(discounts), settings=settings or BillingSettings())
    prices = {one.id: one for one in (BASIC, PRO, PRO_YEARLY, SUPPORT)}
    opened = Books(snapshot, prices=prices)
    opened.renew(APRIL_1)
    return opened


def amounts(plan):
    return [planned.facts.amount for planned in plan.pending_items]


def test_an_upgrade_credits_the_old_price_and_charges_the_new_one():
    plan = books().change(APRIL_11, TO_PRO)
    credit, charge = (planned.facts for planned in plan.pending_items)
    assert (credit.amount, credit.description) == (-667, "Unused time on Basic after 11 Apr 2026")
    assert (charge.amount, charge.description) == (1333, "Remaining time on Pro plan after 11 Apr 2026")
    assert credit.credited_billed_period_id == "bp_0"
    assert plan.debit_closings == (DebitClosing("bp_0", APRIL_11, reversed=False),)
    assert plan.items_updated == (ItemUpdate("si_1", "pro", 1, APRIL_1, MAY_1, 1),)
    assert plan.invoices == ()


def test_two_changes_in_a_month_credit_each_debit_by_itself():
    life = books()
    assert amounts(life.change(APRIL_11, TO_PRO)) == [-667, 1333]
    assert amounts(life.change(APRIL_21, TO_BASIC)) == [-667, 333]
    (_, may) = (life.renew(MAY_1), life.invoices[-1])
    assert may.totals.total == 1000 - 667 + 1333 - 667 + 333


@pytest.mark.parametrize("mode", ["create_prorations", "always_invoice"])
@pytest.mark.parametrize("at", [APRIL_1, APRIL_11, utc(2026, 4, 30, 23, 59, 59)])
def test_upgrade_and_back_at_the_same_instant_nets_0_with_its_taxes(at, mode):
    life = books(taxed=True)
    life.change(at, TO_PRO, proration_behavior=mode)
    life.change(at, TO_BASIC, proration_behavior=mode)
    life.renew(MAY_1)
    assert life.total == 2 * life.invoices[0].totals.total


def test_going_back_credits_the_whole_of_what_the_change_charged():
    life = books()
    assert amounts(life.change(APRIL_11, TO_PRO)) == [-667, 1333]
    back = life.change(APRIL_11, TO_BASIC)
    assert amounts(back) == [-1333, 667]
    assert back.debit_closings == (DebitClosing("bp_1", APRIL_11, reversed=True),)


def test_a_part_of_a_period_that_is_credited_and_put_back_at_once_nets_0():
    """1333 * 19 / 20 = 1266.35 is given back; 2000 * 19 / 30 = 1266.67 would charge a cent more than that."""
    life = books()
    life.change(APRIL_11, TO_PRO)
    assert amounts(life.change(utc(2026, 4, 12), TO_BASIC)) == [-1266, 633]
    assert amounts(life.change(utc(2026, 4, 12), TO_PRO)) == [-633, 1266]


def test_always_invoice_bills_at_once_with_all_that_was_pending():
    life = books(taxed=True)
    life.snapshot = replace(
        life.snapshot, pending_items=(PendingItemFacts("ii_1", "cad", 500, APRIL_1, APRIL_1, taxes=()),)
    )
    (invoice,) = life.change(APRIL_11, TO_PRO, proration_behavior="always_invoice").invoices
    assert (invoice.billing_reason, invoice.finalize_now) == ("subscription_update", True)
    assert [line.amount for line in invoice.lines] == [500, -667, 1333]
    # The credit gives back 2/3 of 50 and 100; the charge is taxed with 66.65 -> 67 and 132.97 -> 133.
    assert [[tax.amount for tax in line.taxes] for line in invoice.lines] == [[], [-33, -67], [67, 133]]
    assert life.renew(MAY_1).invoices[0].lines[0].amount == 2000


def test_without_proration_the_full_new_price_comes_next_time():
    life = books()
    plan = life.change(APRIL_11, TO_PRO, proration_behavior="none")
    assert (plan.pending_items, plan.debit_closings, plan.invoices) == ((), (), ())
    life.renew(MAY_1)
    assert [invoice.totals.total for invoice in life.invoices] == [1000, 2000]


def test_after_a_change_without_proration_the_old_debit_is_what_is_credited():
    life = books()
    life.change(APRIL_11, TO_PRO, proration_behavior="none")
    # On the 21st 1000 were charged for the 10 days left, whatever the item says: -333, then 3000's third.
    assert amounts(life.change(APRIL_21, ItemChange("si_1", quantity=2))) == [-333, 1333]


def test_another_price_resets_the_quantity_to_1_unless_it_is_sent():
    life = books(quantity=5)
    assert life.change(APRIL_11, TO_PRO).items_updated[0].quantity == 1
    life = books(quantity=5)
    assert life.change(APRIL_11, ItemChange("si_1", "pro", quantity=5)).items_updated[0].quantity == 5


def test_more_of_the_same_credits_all_and_charges_all():
    assert amounts(books().change(APRIL_11, ItemChange("si_1", quantity=3))) == [-667, 2000]


def test_an_item_is_added_for_the_rest_of_the_period():
    plan = books().change(APRIL_11, ItemChange(price_id="support"))
    assert plan.items_added == (NewItem("support", 1, APRIL_1, MAY_1),)
    (charge,) = plan.pending_items
    assert (charge.facts.amount, charge.facts.subscription_item_id) == (200, "#0")
    assert charge.debit is not None
    assert (charge.debit.start, charge.debit.end) == (APRIL_11, MAY_1)


def test_an_item_is_removed_with_a_credit():
    both = subscription([item(BASIC, APRIL_1, MAY_1), item(SUPPORT, APRIL_1, MAY_1, id="si_2")])
    life = Books(
        renewal(both),
        [debit(BASIC, APRIL_1, MAY_1), debit(SUPPORT, APRIL_1, MAY_1, id="bp_2", subscription_item_id="si_2")],
    )
    plan = life.change(APRIL_11, ItemChange("si_2", deleted=True))
    assert (plan.items_deleted, amounts(plan)) == (("si_2",), [-200])
    assert [one.id for one in life.snapshot.subscription.items] == ["si_1"]


def test_monthly_to_yearly_keeps_the_anchor():
    # Anchored on 1 March: its year is the one from 1 March 2026; 324 of 365 days are left on 11 April.
    plan = books(PRO).change(APRIL_11, ItemChange("si_1", "pro_yearly"))
    assert amounts(plan) == [-1333, 21304]
    (update,) = plan.items_updated
    assert (update.current_period_start, update.current_period_end) == (utc(2026, 3, 1), utc(2027, 3, 1))
    assert plan.state.next_action_at == utc(2027, 3, 1)


def test_a_trial_changes_for_nothing():
    trial = monthly_subscription(
        BASIC, status="trialing", trial_start=APRIL_1, trial_end=MAY_1, billing_cycle_anchor=MAY_1
    )
    life = Books(renewal(trial), [debit(BASIC, APRIL_1, MAY_1, 0)], prices={"pro": PRO})
    assert life.change(APRIL_11, TO_PRO).pending_items == ()
    life.snapshot = replace(life.snapshot, customer=CustomerFacts("cus_1", default_payment_method_id="pm"))
    assert life.renew(MAY_1).invoices[0].totals.total == 2000


@pytest.mark.parametrize(
    ("shown", "debit_gross", "debit_discount"),
    [
        pytest.param("itemized", 1333, 266, id="itemized: 1333 less 266"),
        pytest.param("included", 1067, 0, id="net 1067"),
    ],
)
def test_a_proration_is_net_of_the_discounts_active_at_the_change(shown, debit_gross, debit_discount):
    life = books(settings=BillingSettings(proration_discounts=shown), discounts=[discount(percent_off(20))])
    (invoice,) = life.change(APRIL_11, TO_PRO, proration_behavior="always_invoice").invoices
    credit, charge = invoice.lines
    # 800 were charged: 800 x 20/30 = 533. 1600 x 20/30 = 1067.
    assert (credit.net_of_discounts, charge.net_of_discounts) == (-533, 1067)
    assert (charge.amount, charge.discount_amount) == (debit_gross, debit_discount)
    assert invoice.totals.total == 534


def test_a_consumed_once_coupon_no_longer_counts():
    life = books(discounts=[discount(percent_off(50, "once"))])
    assert life.invoices[0].totals.total == 500
    assert amounts(life.change(APRIL_11, TO_PRO)) == [-333, 1333]


def test_a_coupon_given_in_the_same_call_counts():
    life = books()
    life.coupons = {"50pc": percent_off(50, "once")}
    plan = life.change(APRIL_11, TO_PRO, coupon_ids=("50pc",), proration_behavior="always_invoice")
    assert amounts(plan) == [-667, 667]
    assert [use.discount_id for use in plan.discounts_used] == ["#0"]
    assert life.renew(MAY_1).invoices[0].totals.total == 2000


def test_a_fixed_coupon_is_spread_over_the_whole_subscription_before_it_is_prorated():
    both = subscription([item(BASIC, APRIL_1, MAY_1), item(PRO, APRIL_1, MAY_1, id="si_2")])
    life = Books(renewal(both, discounts=(discount(amount_off(600)),)), prices={"support": SUPPORT})
    plan = life.change(APRIL_11, ItemChange(price_id="support"))
    # 600 over 1000, 2000, 300: 181, 363, 56. (300 - 56) x 20/30 = 162.67.
    assert amounts(plan) == [163]


def test_discounts_are_kept_moved_added_and_removed_as_the_request_says():
    ten, five = discount(percent_off(10), position=0), discount(amount_off(5), position=1)
    life = books(discounts=[ten, five])
    life.coupons = {"30pc": percent_off(30)}
    plan = life.change(APRIL_11, coupon_ids=("30pc", "10pc"))
    assert plan.discounts_removed == ("di_5off",)
    assert plan.discounts_moved == (DiscountMove("di_10pc", 1),)
    assert [(new.coupon_id, new.position) for new in plan.discounts_added] == [("30pc", 0)]
    # 1000 - 30 % - 10 % = 630.
    assert life.renew(MAY_1).invoices[0].totals.total == 630


def test_unpaid_time_is_credited_at_once_or_held_as_the_merchant_says():
    unpaid = debit(BASIC, APRIL_1, MAY_1, invoice_status="open")
    for setting, held in (("bill", ""), ("defer", "in_1")):
        life = Books(renewal(monthly_subscription(BASIC), settings=BillingSettings(unpaid_proration=setting)), [unpaid])
        life.prices = {"pro": PRO}
        (invoice,) = life.change(APRIL_11, TO_PRO, proration_behavior="always_invoice").invoices
        assert [line.amount for line in invoice.lines] == ([1333] if held else [-667, 1333])


def test_the_proration_date_decides_and_not_the_moment_of_the_call():
    request = ChangeRequest("acct_1", "sub_1", (TO_PRO,), proration_date=APRIL_11)
    snapshot = ChangeSnapshot(renewal(monthly_subscription(BASIC)), (debit(BASIC, APRIL_1, MAY_1),), {"pro": PRO})
    earlier = preview_change(snapshot, request, utc(2026, 4, 11, 12))
    later = changes.plan_change(snapshot, request, utc(2026, 4, 11, 15))
    assert [line.amount for line in earlier.prorations] == amounts(later) == [-667, 1333]


def test_a_coupon_of_the_call_counts_from_the_proration_date():
    # Called on 12 April for the 11th: -1000 * 20 / 30 and half of 2000 * 20 / 30.
    life = books()
    life.coupons = {"50pc": percent_off(50, "once")}
    plan = life.change(utc(2026, 4, 12), TO_PRO, coupon_ids=("50pc",), proration_date=APRIL_11)
    assert amounts(plan) == [-667, 667]


@pytest.mark.parametrize(
    ("request_items", "fields", "error"),
    [
        pytest.param((ItemChange("si_1"),), {}, changes.NothingToChange, id="nothing"),
        pytest.param((ItemChange("si_1", "basic", quantity=1),), {}, changes.NothingToChange, id="as it is"),
        pytest.param((ItemChange("si_9", "pro"),), {}, changing.ItemNotFound, id="another's item"),
        pytest.param((TO_PRO, ItemChange("si_1", quantity=2)), {}, changing.ItemTwice, id="twice the same item"),
        pytest.param((ItemChange("si_1", deleted=True),), {}, changing.NoItemWouldRemain, id="the last item"),
        pytest.param((ItemChange("si_1", quantity=-1),), {}, QuantityInvalid, id="a quantity of -1"),
        pytest.param((ItemChange("si_1", "eur"),), {}, CustomerCurrencyMismatch, id="another currency"),
        pytest.param((ItemChange(price_id="weekly"),), {}, PriceIntervalNotMultiple, id="a week beside a month"),
        pytest.param(
            (TO_PRO,), {"proration_date": MAY_1}, changes.ProrationDateOutsidePeriod, id="prorated in the next period"
        ),
        pytest.param(
            (TO_PRO,),
            {"proration_date": utc(2026, 3, 31)},
            changes.ProrationDateOutsidePeriod,
            id="prorated in the last period",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_name(request_items, fields, error):
    life = books()
    life.prices |= {"eur": price(1, id="eur", currency="eur"), "weekly": price(1, Interval("week"), id="weekly")}
    with pytest.raises(error):
        life.change(APRIL_11, *request_items, **fields)


def test_a_change_cannot_be_dated_before_the_last_one():
    life = books()
    life.change(APRIL_21, TO_PRO)
    with pytest.raises(changes.ProrationDateOutsidePeriod):
        life.change(utc(2026, 4, 22), TO_BASIC, proration_date=APRIL_11)


def test_a_subscription_whose_renewal_is_due_is_renewed_first():
    with pytest.raises(changes.RenewalIsDueFirst):
        books().change(MAY_1, TO_PRO)


def test_an_ended_subscription_is_not_changed():
    life = books()
    life.cancel(APRIL_11)
    with pytest.raises(SubscriptionIsTerminal):
        life.change(APRIL_11, TO_PRO)


def test_the_preview_of_a_change_shows_prorations_and_the_next_invoice():
    snapshot = ChangeSnapshot(
        renewal(monthly_subscription(BASIC, default_tax_rate_ids=(GST.id,)), tax_rates=RATES),
        (debit(BASIC, APRIL_1, MAY_1),),
        {"pro": PRO},
    )
    shown = preview_change(snapshot, ChangeRequest("acct_1", "sub_1", (TO_PRO,)), APRIL_11)
    assert [line.amount for line in shown.prorations] == [-667, 1333]
    assert shown.due_now == 0
    assert shown.next_invoice is not None
    # 2000 - 667 + 1333 = 2666; GST on 3333 alone, the credit had none: 166.65 -> 167.
    assert (shown.next_invoice.subtotal, shown.next_invoice.tax) == (2666, 167)
    assert shown.next_invoice_at == MAY_1


def test_the_preview_of_an_upgrade_now_shows_what_is_due():
    snapshot = ChangeSnapshot(
        renewal(monthly_subscription(BASIC), customer=CustomerFacts("cus_1", balance=-100)),
        (debit(BASIC, APRIL_1, MAY_1),),
        {"pro": PRO},
    )
    request = ChangeRequest("acct_1", "sub_1", (TO_PRO,), proration_behavior="always_invoice")
    shown = preview_change(snapshot, request, APRIL_11)
    assert shown.due_now == 1333 - 667 - 100
    assert shown.next_invoice is not None
    assert shown.next_invoice.amount_due == 2000
