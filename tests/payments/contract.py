"""The steps that the contract is told in."""

from datetime import timedelta

from payments.gateways.base import Call, IntentRequest
from payments.types import MethodFacts
from tests.factories.times import NEW_YEAR


def call(key: str, *, days: int = 0, merchant_id: str = "acct_1") -> Call:
    at = NEW_YEAR + timedelta(days=days)
    return Call(merchant_id=merchant_id, key=key, at=at, recorded_at=at)


def a_request(amount: int = 1000, **fields) -> IntentRequest:
    return IntentRequest(
        **{"customer_id": "cus_1", "amount": amount, "currency": "cad", "metadata": {"payment_intent": "pi_ours"}}
        | fields
    )


def an_intent(gateway, amount: int = 1000) -> str:
    return gateway.create_intent(call("create"), a_request(amount)).gateway_intent_id


def a_method(gateway, instrument: str) -> str:
    return attached(gateway, instrument).gateway_method_id


def attached(gateway, instrument: str) -> MethodFacts:
    return gateway.attach(call(f"attach {instrument}"), "cus_1", instrument)


def a_payment(gateway, instrument: str = "pm_card_visa", *, off_session: bool = True, amount: int = 1000):
    """(the gateway's intent, the outcome of one attempt)."""
    intent = an_intent(gateway, amount)
    method = attached(gateway, instrument)
    return intent, gateway.confirm(
        call("confirm"), intent, method.gateway_method_id, off_session=off_session, method_type=method.type
    )
