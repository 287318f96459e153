"""Test tokens and how every charge on them goes. Stripe's names where it has them."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str
    network_decline_code: str = ""
    network_advice_code: str = ""


@dataclass(frozen=True)
class Token:
    type: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    refuses_attach: bool = False
    decline: Decline | None = None
    declines_first: int = 0  # 0: always; else so many attempts of an intent
    authenticate: str = ""  # "always", or "once": set up on session, then good
    settles_days: int = 0  # a debit: processing first
    refund: str = ""  # "pending" or "fails": after a day
    disputed: str = ""  # the reason, at once after the charge
    wallet: str = ""


def _decline(decline_code: str, message: str, network: str, advice: str = "", code: str = "card_declined") -> Decline:
    return Decline(code, decline_code, message, network, advice)


GENERIC = _decline("generic_decline", "Your card was declined.", "05")
NO_FUNDS = _decline("insufficient_funds", "Your card has insufficient funds.", "51")
NEEDS_CUSTOMER = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)


def _debit(type: str, last4: str, days: int, code: str = "") -> Token:
    bounced = Decline("payment_method_declined", "insufficient_funds", "The account has insufficient funds.", code)
    return Token(type=type, brand="", last4=last4, settles_days=days, decline=bounced if code else None)


TOKENS: dict[str, Token] = {
    "pm_card_visa": Token(),
    "pm_card_mastercard": Token(brand="mastercard", last4="4444"),
    "pm_card_amex": Token(brand="amex", last4="8431"),
    "pm_card_visa_apple_pay": Token(last4="4242", wallet="apple_pay"),
    "pm_card_chargeDeclined": Token(last4="0002", refuses_attach=True, decline=GENERIC),
    "pm_card_chargeCustomerFail": Token(last4="0341", decline=GENERIC),
    # Stripe refuses to attach these; here the issuer changed its mind afterwards, so that charges meet their codes.
    "pm_card_visa_chargeDeclinedInsufficientFunds": Token(last4="9995", decline=NO_FUNDS),
    "pm_card_visa_chargeDeclinedLostCard": Token(
        last4="9987", decline=_decline("lost_card", "Your card was declined.", "41")
    ),
    "pm_card_visa_chargeDeclinedStolenCard": Token(
        last4="9979", decline=_decline("stolen_card", "Your card was declined.", "43")
    ),
    "pm_card_chargeDeclinedExpiredCard": Token(
        last4="0069", decline=_decline("expired_card", "Your card has expired.", "54", code="expired_card")
    ),
    "pm_card_chargeDeclinedProcessingError": Token(
        last4="0119",
        decline=_decline(
            "processing_error", "An error occurred while processing your card.", "96", code="processing_error"
        ),
    ),
    "pm_card_chargeDeclinedIncorrectCvc": Token(
        last4="0127",
        decline=_decline("incorrect_cvc", "Your card's security code is incorrect.", "N7", code="incorrect_cvc"),
    ),
    "pm_fake_neverAgain": Token(
        brand="mastercard", last4="5019", decline=_decline("do_not_honor", "Your card was declined.", "05", "03")
    ),
    "pm_fake_declineThenSucceed": Token(last4="2222", decline=NO_FUNDS, declines_first=1),
    "pm_card_threeDSecure2Required": Token(last4="3220", authenticate="always"),
    "pm_card_authenticationRequired": Token(last4="3184", authenticate="always"),
    "pm_card_authenticationRequiredOnSetup": Token(last4="3155", authenticate="once"),
    "pm_fake_sepa": _debit("sepa_debit", "3000", 3),
    "pm_fake_sepa_fails": _debit("sepa_debit", "3002", 3, "AM04"),
    "pm_fake_acss": _debit("acss_debit", "6789", 5),
    "pm_fake_acss_fails": _debit("acss_debit", "6790", 5, "901"),
    "pm_usBankAccount_success": _debit("us_bank_account", "6789", 4),
    "pm_usBankAccount_insufficientFunds": _debit("us_bank_account", "6790", 4, "R01"),
    "pm_card_pendingRefund": Token(last4="7726", refund="pending"),
    "pm_card_refundFail": Token(last4="5126", refund="fails"),
    "pm_card_createDispute": Token(last4="0259", disputed="fraudulent"),
    "pm_card_createDisputeInquiry": Token(last4="1976", disputed="warning"),
}
# What Stripe's page would be typed into, for the fake's own.
CARD_NUMBERS = {
    "4242424242424242": "pm_card_visa",
    "5555555555554444": "pm_card_mastercard",
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000003220": "pm_card_threeDSecure2Required",
    "4000000000000259": "pm_card_createDispute",
}


def as_set_up(token: Token, authenticated: bool) -> Token:
    return replace(token, authenticate="") if token.authenticate == "once" and authenticated else token
