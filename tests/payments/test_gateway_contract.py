"""What every gateway must do: the sandbox, and Stripe's adapter over real HTTP. A new one brings a world of its own."""

from datetime import timedelta

import pytest
from django.db import transaction

from payments.gateways import gateway_named
from payments.gateways.base import (
    PORT,
    CalledInsideTransaction,
    GatewayRefused,
    IdempotencyKeyReused,
    InstrumentDeclined,
    MethodNotUsable,
    NoSuchGatewayObject,
    RefundRefused,
    ToConfirm,
    ToCreate,
    UnexpectedIntentState,
    UnknownGateway,
    UnknownInstrument,
)
from payments.gateways.sandbox_instruments import INSTRUMENTS
from payments.types import (
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
from tests.payments.contract import a_method, a_payment, a_request, an_intent, attached, call

pytestmark = pytest.mark.django_db


def test_creating_an_intent_moves_no_money(gateway):
    intent = gateway.retrieve(call("look"), an_intent(gateway))
    assert intent.standing == NotConfirmed()
    assert intent.amount_received == 0


def test_a_good_card_pays(gateway):
    intent, outcome = a_payment(gateway)
    assert isinstance(outcome, Succeeded)
    found = gateway.retrieve(call("look"), intent)
    assert (found.standing, found.amount_received) == (outcome, 1000)
    assert found.latest_charge_id == outcome.gateway_charge_id


@pytest.mark.parametrize(
    ("instrument", "code", "decline_code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ],
)
def test_a_bad_card_is_declined_with_its_code(gateway, instrument, code, decline_code):
    _, outcome = a_payment(gateway, instrument)
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.decline_code) == (code, decline_code)
    assert outcome.gateway_charge_id


@pytest.mark.parametrize(
    ("instrument", "network", "advice"),
    [
        ("pm_card_chargeCustomerFail", "05", ""),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "51", ""),
        ("pm_card_visa_chargeDeclinedLostCard", "41", ""),
        ("never again", "05", "03"),
    ],
)
def test_a_decline_says_what_the_network_said(world, gateway, instrument, network, advice):
    """By these the networks' own rules decide on retries, and by what the look-up tells as much as by the answer."""
    intent, outcome = a_payment(gateway, world.token(instrument))
    assert isinstance(outcome, Declined)
    assert (outcome.network_decline_code, outcome.network_advice_code) == (network, advice)
    found = gateway.retrieve(call("look"), intent).standing
    assert isinstance(found, Declined)
    assert (found.network_decline_code, found.network_advice_code) == (network, advice)


def test_an_issuer_may_decline_the_attaching(gateway):
    with pytest.raises(InstrumentDeclined) as declined:
        a_method(gateway, "pm_card_chargeDeclined")
    assert declined.value.code == "card_declined"


def test_an_unknown_instrument_is_refused_by_name(gateway):
    with pytest.raises(UnknownInstrument, match="pm_card_nonsense"):
        a_method(gateway, "pm_card_nonsense")


def test_the_same_key_gives_the_same_answer_and_charges_once(gateway):
    intent, first = a_payment(gateway)
    again = gateway.confirm(call("confirm"), intent, a_method(gateway, "pm_card_visa"), off_session=True)
    assert again == first
    assert an_intent(gateway) == intent


def test_a_decline_replays_under_its_key(gateway):
    intent, first = a_payment(gateway, "pm_card_chargeCustomerFail")
    method = a_method(gateway, "pm_card_chargeCustomerFail")
    assert gateway.confirm(call("confirm"), intent, method, off_session=True) == first


def test_the_same_key_with_other_parameters_is_refused(gateway):
    an_intent(gateway, 1000)
    with pytest.raises(IdempotencyKeyReused) as refused:
        an_intent(gateway, 1001)
    assert not refused.value.nothing_taken


def test_two_merchants_may_use_the_same_key(gateway):
    mine = an_intent(gateway)
    theirs = gateway.create_intent(call("create", merchant_id="acct_2"), a_request(500)).gateway_intent_id
    assert mine != theirs


def test_another_merchants_intent_is_not_there(gateway):
    intent = an_intent(gateway)
    with pytest.raises(NoSuchGatewayObject):
        gateway.retrieve(call("look", merchant_id="acct_2"), intent)


def test_a_new_key_tries_a_declined_intent_again(world, gateway):
    intent, _ = a_payment(gateway, world.token("second try"))
    method = a_method(gateway, world.token("second try"))
    assert isinstance(gateway.confirm(call("second"), intent, method, off_session=True), Succeeded)


def test_a_paid_intent_cannot_be_confirmed_under_a_new_key(gateway):
    intent, _ = a_payment(gateway)
    with pytest.raises(UnexpectedIntentState) as refused:
        gateway.confirm(call("second"), intent, a_method(gateway, "pm_card_visa"), off_session=True)
    assert not refused.value.nothing_taken


def test_off_session_authentication_is_a_decline_that_asks_for_the_customer(gateway):
    _, outcome = a_payment(gateway, "pm_card_threeDSecure2Required")
    assert isinstance(outcome, Declined)
    assert outcome.decline_code == "authentication_required"


def test_on_session_authentication_waits_and_then_pays(world, gateway):
    intent, outcome = a_payment(gateway, "pm_card_threeDSecure2Required", off_session=False)
    assert isinstance(outcome, RequiresAction)
    assert gateway.retrieve(call("look"), intent).amount_received == 0
    world.customer_authenticates(call("bank"), intent, approve=True)
    assert isinstance(gateway.complete_action(call("3ds"), intent, approve=True), Succeeded)


def test_on_session_authentication_that_fails_is_a_decline(world, gateway):
    intent, _ = a_payment(gateway, "pm_card_threeDSecure2Required", off_session=False)
    world.customer_authenticates(call("bank"), intent, approve=False)
    outcome = gateway.complete_action(call("3ds"), intent, approve=False)
    assert isinstance(outcome, Declined)
    assert outcome.code == "payment_intent_authentication_failure"


def test_a_card_authenticated_once_pays_off_session_after(world, gateway):
    intent, _ = a_payment(gateway, "pm_card_authenticationRequiredOnSetup", off_session=False)
    world.customer_authenticates(call("bank"), intent, approve=True)
    gateway.complete_action(call("3ds"), intent, approve=True)
    later = gateway.create_intent(call("later"), a_request()).gateway_intent_id
    method = a_method(gateway, "pm_card_authenticationRequiredOnSetup")
    assert isinstance(gateway.confirm(call("renewal"), later, method, off_session=True), Succeeded)


def test_completing_what_waits_for_nothing_is_refused(gateway):
    intent = an_intent(gateway)
    with pytest.raises(UnexpectedIntentState):
        gateway.complete_action(call("3ds"), intent, approve=True)


@pytest.mark.parametrize(
    ("instrument", "days", "ends"),
    [
        ("sepa", 3, Succeeded),
        ("sepa that fails", 3, Declined),
        ("acss", 5, Succeeded),
        ("acss that fails", 5, Declined),
        ("ach", 4, Succeeded),
        ("ach that fails", 4, Declined),
    ],
)
def test_a_debit_settles_days_later(world, gateway, instrument, days, ends):
    intent, outcome = a_payment(gateway, world.token(instrument))
    assert isinstance(outcome, Processing)
    assert outcome.settles_at == (NEW_YEAR + timedelta(days=days) if world.tells_day_of_debits else None)
    world.days_pass(days - 1)
    assert isinstance(gateway.retrieve(call("early", days=days - 1), intent).standing, Processing)
    world.days_pass(1)
    found = gateway.retrieve(call("due", days=days), intent)
    assert isinstance(found.standing, ends)
    assert found.latest_charge_id == outcome.gateway_charge_id
    assert found.amount_received == (1000 if ends is Succeeded else 0)


def test_a_lost_answer_is_unknown_and_the_look_up_finds_the_money(world, gateway):
    intent, outcome = a_payment(gateway, world.loses("drop_after"))
    assert isinstance(outcome, Unknown)
    assert gateway.retrieve(call("look"), intent).amount_received == 1000


def test_a_lost_call_is_unknown_and_the_look_up_finds_nothing(world, gateway):
    intent, outcome = a_payment(gateway, world.loses("drop_before"))
    assert isinstance(outcome, Unknown)
    assert gateway.retrieve(call("look"), intent).standing == NotConfirmed()


def test_a_server_error_replays_though_the_money_moved(world, gateway):
    instrument = world.loses("500_after")
    intent, outcome = a_payment(gateway, instrument)
    method = a_method(gateway, instrument)
    assert isinstance(outcome, Unknown)
    assert isinstance(gateway.confirm(call("confirm"), intent, method, off_session=True), Unknown)
    assert gateway.retrieve(call("look"), intent).amount_received == 1000


def test_a_batch_answers_like_single_calls_each_in_its_place(world, gateway):
    names = ["pm_card_visa", "pm_card_chargeCustomerFail", world.token("sepa"), "pm_card_threeDSecure2Required"]
    methods = [attached(gateway, name) for name in names]
    made = gateway.create_intents([ToCreate(call(f"create {name}"), a_request()) for name in names])
    batch = [
        ToConfirm(call(f"confirm {name}"), intent.gateway_intent_id, method.gateway_method_id, True, method.type)
        for name, intent, method in zip(names, made, methods, strict=True)
    ]
    answers = gateway.confirm_all(batch)
    assert [type(answer) for answer in answers] == [Succeeded, Declined, Processing, Declined]
    taken = [gateway.retrieve(call("look"), intent.gateway_intent_id).amount_received for intent in made]
    assert taken == [1000, 0, 0, 0]


def test_a_batch_loses_one_answer_and_keeps_the_others(world, gateway):
    lost = world.loses("drop_after")
    made = gateway.create_intents([ToCreate(call(f"create {n}"), a_request()) for n in range(3)])
    methods = [a_method(gateway, lost), a_method(gateway, "pm_card_mastercard"), a_method(gateway, "pm_card_amex")]
    answers = gateway.confirm_all(
        [
            ToConfirm(call(f"confirm {n}"), intent.gateway_intent_id, method, True)
            for n, (intent, method) in enumerate(zip(made, methods, strict=True))
        ]
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Succeeded", "Succeeded", "Unknown"]
    taken = [gateway.retrieve(call("look"), intent.gateway_intent_id).amount_received for intent in made]
    assert taken == [1000, 1000, 1000]


def test_a_batch_replays_what_was_answered_and_refuses_what_differs(gateway):
    alone = an_intent(gateway, 1000)
    again = gateway.create_intents([ToCreate(call("create"), a_request(1000)), ToCreate(call("new"), a_request(700))])
    assert again[0].gateway_intent_id == alone
    assert (
        gateway.create_intents([ToCreate(call("new"), a_request(700)), ToCreate(call("newer"), a_request(700))])[0]
        == again[1]
    )
    differing = gateway.create_intents(
        [ToCreate(call("new"), a_request(800)), ToCreate(call("newest"), a_request(800))]
    )
    assert isinstance(differing[0], IdempotencyKeyReused)
    assert isinstance(differing[1], GatewayIntent)


def test_a_batch_puts_a_refusal_in_its_place_and_confirms_the_others(gateway):
    paid, _ = a_payment(gateway)
    other = gateway.create_intent(call("other"), a_request()).gateway_intent_id
    method = a_method(gateway, "pm_card_visa")
    answers = gateway.confirm_all(
        [
            ToConfirm(call("second"), paid, method, True),
            ToConfirm(call("third"), other, method, True),
            ToConfirm(call("confirm"), paid, method, True),
        ]
    )
    assert [type(answer) for answer in answers] == [UnexpectedIntentState, Succeeded, Succeeded]


def test_an_intent_is_found_by_our_metadata(gateway):
    intent, outcome = a_payment(gateway)
    found = gateway.find_by_metadata(call("look"), "cus_1", {"payment_intent": "pi_ours"})
    assert (found.gateway_intent_id, found.standing) == (intent, outcome)
    assert gateway.find_by_metadata(call("look"), "cus_1", {"payment_intent": "pi_other"}) is None
    assert gateway.find_by_metadata(call("look"), "cus_2", {"payment_intent": "pi_ours"}) is None


def test_a_canceled_intent_cannot_be_paid(gateway):
    intent = an_intent(gateway)
    assert gateway.cancel(call("cancel"), intent).standing == IntentCanceled()
    with pytest.raises(UnexpectedIntentState):
        gateway.confirm(call("confirm"), intent, a_method(gateway, "pm_card_visa"), off_session=True)


@pytest.mark.parametrize(("instrument", "kept"), [("pm_card_visa", Succeeded), ("sepa", Processing)])
def test_canceling_too_late_gives_back_what_is(world, gateway, instrument, kept):
    intent, _ = a_payment(gateway, world.token(instrument))
    assert isinstance(gateway.cancel(call("cancel"), intent).standing, kept)


def held(gateway, amount=1000):
    intent = gateway.create_intent(call("create"), a_request(amount, manual_capture=True)).gateway_intent_id
    method = a_method(gateway, "pm_card_visa")
    return intent, gateway.confirm(call("confirm"), intent, method, off_session=True)


def test_what_is_held_is_taken_in_part_and_once(gateway):
    intent, outcome = held(gateway)
    assert isinstance(outcome, Authorized)
    assert gateway.retrieve(call("look"), intent).amount_received == 0
    taken = gateway.capture(call("capture"), intent, 600, "cad")
    assert (taken.gateway_charge_id, taken.captured) == (outcome.gateway_charge_id, 600)
    assert gateway.capture(call("capture"), intent, 600, "cad") == taken
    found = gateway.retrieve(call("look"), intent)
    assert (found.standing, found.amount_received) == (taken, 600)
    with pytest.raises(UnexpectedIntentState):
        gateway.capture(call("again"), intent, 400, "cad")
    with pytest.raises(GatewayRefused):
        gateway.refund(call("too much"), intent, 601, metadata={})
    assert gateway.refund(call("refund"), intent, 600, metadata={}).status == "succeeded"


def test_more_than_is_held_cannot_be_taken(gateway):
    intent, _ = held(gateway)
    with pytest.raises(GatewayRefused) as refused:
        gateway.capture(call("capture"), intent, 1001, "cad")
    assert refused.value.code == "amount_too_large"
    assert isinstance(gateway.retrieve(call("look"), intent).standing, Authorized)


def test_what_is_held_goes_back_when_its_intent_is_canceled(gateway):
    intent, _ = held(gateway)
    assert gateway.cancel(call("cancel"), intent).standing == IntentCanceled()
    with pytest.raises(UnexpectedIntentState):
        gateway.capture(call("capture"), intent, 1000, "cad")


def test_a_detached_method_cannot_pay(gateway):
    intent, method = an_intent(gateway), a_method(gateway, "pm_card_visa")
    gateway.detach(call("detach"), method)
    with pytest.raises(MethodNotUsable) as refused:
        gateway.confirm(call("confirm"), intent, method, off_session=True)
    assert refused.value.nothing_taken


@pytest.mark.parametrize("method", PORT)
def test_no_method_may_be_called_inside_a_transaction(gateway, method):
    with transaction.atomic(), pytest.raises(CalledInsideTransaction):
        getattr(gateway, method)()


def test_the_guard_is_what_a_gateways_method_meets_first(gateway):
    with pytest.raises(TypeError):
        gateway.retrieve()


def test_an_unknown_gateway_is_refused_by_name():
    with pytest.raises(UnknownGateway, match="nonesuch"):
        gateway_named("nonesuch")


def test_every_instrument_has_a_token_a_label_and_a_known_brand_or_type():
    assert len({found.token for found in INSTRUMENTS}) == len(INSTRUMENTS)
    assert all(str(found.label) and found.last4 and (found.brand or found.type != "card") for found in INSTRUMENTS)


def test_refusals_are_translated_errors():
    assert all(issubclass(error, GatewayRefused) for error in (InstrumentDeclined, UnknownInstrument, RefundRefused))
