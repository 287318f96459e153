"""The sandbox's named instruments: Stripe's test names where Stripe has them, ours where it has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments.types import Declined

AUTHENTICATE_ALWAYS = "always"
AUTHENTICATE_ONCE = "once"  # set up on session, then good off session

LOST_BEFORE = "before"  # the first call of an intent never arrives
LOST_AFTER = "after"  # the call is done, its answer is lost
ERROR_AFTER = "error"  # the call is done, and answered by a 500 that replays under its key


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a token stands for and how every charge on it goes."""

    token: str
    label: str | Promise
    type: str = "card"
    brand: str = ""
    last4: str = ""
    declines_attach: bool = False
    decline: Declined | None = None
    declines_first: int = 0  # 0: every attempt that `decline` is for; else only so many attempts of an intent
    authentication: str = ""
    settles_after: timedelta | None = None  # a debit: processing first, then `decline` or success
    answer_lost: str = ""
    refund: str = ""  # "pending" or "fails": after a day
    ends_after_months: int = 0  # the month that stands on it; 0: December in four years
    replaced_by_issuer: bool = False  # as its last month begins, as account updaters do
    dispute: str = ""  # the reason for which its holder disputes every charge, a day later
    inquiry: bool = False  # the bank only asks, and takes nothing

    @property
    def has_expiry(self) -> bool:
        return self.type == "card"


def _declined(decline_code: str, message: str, network: str = "", advice: str = "", code: str = "") -> Declined:
    return Declined(
        code=code or "card_declined",
        decline_code=decline_code,
        message=message,
        network_decline_code=network,
        network_advice_code=advice,
    )


_GENERIC = _declined("generic_decline", "Your card was declined.", "05")
_NO_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.", "51")
_DAYS = timedelta(days=1)


def _card(token: str, label: str | Promise, last4: str, brand: str = "visa", **behaviour: object) -> Instrument:
    return Instrument(token=token, label=label, brand=brand, last4=last4, **behaviour)  # type: ignore[arg-type]


_RETURNS = {  # what a network's return code means: Stripe's decline code, and the sentence
    "R02": ("account_closed", "The bank account has been closed."),
    "R29": ("debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."),
}


def _debit(token: str, label: str | Promise, type: str, last4: str, days: int, network: str = "") -> Instrument:
    said = _RETURNS.get(network, ("insufficient_funds", "The account has insufficient funds."))
    decline = _declined(*said, network, code="payment_method_declined") if network else None
    return Instrument(token=token, label=label, type=type, last4=last4, settles_after=days * _DAYS, decline=decline)


INSTRUMENTS: tuple[Instrument, ...] = (
    _card("pm_card_visa", _("Visa that pays"), "4242"),
    _card("pm_card_mastercard", _("Mastercard that pays"), "4444", "mastercard"),
    _card("pm_card_amex", _("American Express that pays"), "8431", "amex"),
    _card("pm_card_discover", _("Discover that pays"), "9424", "discover"),
    _card("pm_card_diners", _("Diners Club that pays"), "0004", "diners"),
    _card("pm_card_jcb", _("JCB that pays"), "0505", "jcb"),
    _card("pm_card_unionpay", _("UnionPay that pays"), "0005", "unionpay"),
    _card("pm_card_chargeCustomerFail", _("Visa that is accepted, then every charge fails"), "0341", decline=_GENERIC),
    _card("pm_card_chargeDeclined", _("Visa that is declined at once"), "0002", declines_attach=True, decline=_GENERIC),
    _card("pm_card_visa_chargeDeclinedInsufficientFunds", _("Visa with insufficient funds"), "9995", decline=_NO_FUNDS),
    _card(
        "pm_card_visa_chargeDeclinedLostCard",
        _("Visa reported lost"),
        "9987",
        decline=_declined("lost_card", "Your card was declined.", "41"),
    ),
    _card(
        "pm_card_visa_chargeDeclinedStolenCard",
        _("Visa reported stolen"),
        "9979",
        decline=_declined("stolen_card", "Your card was declined.", "43"),
    ),
    _card(
        "pm_card_chargeDeclinedFraudulent",
        _("Visa whose bank suspects fraud"),
        "0019",
        decline=_declined("fraudulent", "Your card was declined.", "59"),
    ),
    _card(
        "pm_card_radarBlock",
        _("Visa that is blocked for its risk"),
        "0019",
        decline=_declined("highest_risk_level", "Your card was declined.", ""),
    ),
    _card(
        "pm_card_chargeDeclinedExpiredCard",
        _("Visa that expired"),
        "0069",
        decline=_declined("expired_card", "Your card has expired.", "54", code="expired_card"),
    ),
    _card(
        "pm_card_chargeDeclinedProcessingError",
        _("Visa with a processing error"),
        "0119",
        decline=_declined(
            "processing_error", "An error occurred while processing your card.", "96", code="processing_error"
        ),
    ),
    _card(
        "pm_card_chargeDeclinedIncorrectCvc",
        _("Visa with a wrong security code"),
        "0127",
        decline=_declined("incorrect_cvc", "Your card's security code is incorrect.", "N7", code="incorrect_cvc"),
    ),
    _card(
        "pm_sandbox_mastercardNeverAgain",
        _("Mastercard whose issuer says: do not try again"),
        "5019",
        "mastercard",
        decline=_declined("do_not_honor", "Your card was declined.", "05", advice="03"),
    ),
    _card(
        "pm_sandbox_declineThenSucceed",
        _("Visa that pays at the second try"),
        "2222",
        decline=_NO_FUNDS,
        declines_first=1,
    ),
    _card(
        "pm_card_authenticationRequired",
        _("Visa that asks for authentication each time"),
        "3184",
        authentication=AUTHENTICATE_ALWAYS,
    ),
    _card(
        "pm_card_threeDSecure2Required",
        _("Visa that asks for 3-D Secure each time"),
        "3220",
        authentication=AUTHENTICATE_ALWAYS,
    ),
    _card(
        "pm_card_authenticationRequiredOnSetup",
        _("Visa that asks for authentication once"),
        "3155",
        authentication=AUTHENTICATE_ONCE,
    ),
    _debit("pm_sepa_debit", _("SEPA debit that settles in 3 days"), "sepa_debit", "3000", 3),
    _debit("pm_sepa_debit_fails", _("SEPA debit that fails after 3 days"), "sepa_debit", "3002", 3, "AM04"),
    _debit("pm_acss_debit", _("Canadian debit that settles in 5 days"), "acss_debit", "6789", 5),
    _debit("pm_acss_debit_fails", _("Canadian debit that fails after 5 days"), "acss_debit", "6790", 5, "901"),
    _debit("pm_us_bank_account", _("US bank debit that settles in 4 days"), "us_bank_account", "6781", 4),
    _debit("pm_us_bank_account_fails", _("US bank debit that fails after 4 days"), "us_bank_account", "6782", 4, "R01"),
    _debit("pm_us_bank_account_closed", _("US bank account that was closed"), "us_bank_account", "1116", 4, "R02"),
    _debit("pm_us_bank_account_refused", _("US debit without consent"), "us_bank_account", "3335", 4, "R29"),
    _card("pm_sandbox_timeoutAfterCharge", _("Visa that pays, but the answer is lost"), "5001", answer_lost=LOST_AFTER),
    _card("pm_sandbox_timeoutBeforeCharge", _("Visa whose first call is lost"), "5002", answer_lost=LOST_BEFORE),
    _card(
        "pm_sandbox_serverErrorAfterCharge",
        _("Visa that pays, but a server error comes back"),
        "5003",
        answer_lost=ERROR_AFTER,
    ),
    _card("pm_card_pendingRefund", _("Visa whose refunds take a day"), "7726", refund="pending"),
    _card("pm_card_createDispute", _("Visa that pays, then disputes it as fraud"), "0259", dispute="fraudulent"),
    _card(
        "pm_card_createDisputeProductNotReceived",
        _("Visa that pays, then says that nothing came"),
        "2685",
        dispute="product_not_received",
    ),
    _card(
        "pm_card_createDisputeInquiry",
        _("Visa that pays, then its bank inquires"),
        "1976",
        dispute="fraudulent",
        inquiry=True,
    ),
    _card("pm_card_refundFail", _("Visa whose refunds fail after a day"), "5126", refund="fails"),
    _card("pm_sandbox_expiresNextMonth", _("Visa that expires next month"), "5201", ends_after_months=1),
    _card(
        "pm_sandbox_replacedByIssuer",
        _("Visa that expires next month and that its issuer replaces"),
        "5202",
        ends_after_months=1,
        replaced_by_issuer=True,
    ),
)

_BY_TOKEN = {instrument.token: instrument for instrument in INSTRUMENTS}

# Other names that people know from Stripe for what is above.
_ALIASES = {
    "pm_card_visa_chargeDeclined": "pm_card_chargeDeclined",
    "pm_card_visa_chargeCustomerFail": "pm_card_chargeCustomerFail",
    "pm_card_visa_chargeDeclinedFraudulent": "pm_card_chargeDeclinedFraudulent",
    "pm_card_chargeDeclinedInsufficientFunds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard": "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedStolenCard": "pm_card_visa_chargeDeclinedStolenCard",
    "pm_card_visa_chargeDeclinedExpiredCard": "pm_card_chargeDeclinedExpiredCard",
    "pm_card_visa_chargeDeclinedIncorrectCvc": "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_visa_chargeDeclinedProcessingError": "pm_card_chargeDeclinedProcessingError",
    "pm_card_threeDSecureRequired": "pm_card_threeDSecure2Required",
    "pm_card_dinersclub": "pm_card_diners",
    "pm_usBankAccount": "pm_us_bank_account",
    "pm_usBankAccount_success": "pm_us_bank_account",
    "pm_usBankAccount_insufficientFunds": "pm_us_bank_account_fails",
    "pm_usBankAccount_accountClosed": "pm_us_bank_account_closed",
    "pm_usBankAccount_noAccount": "pm_us_bank_account_closed",
    "pm_usBankAccount_debitNotAuthorized": "pm_us_bank_account_refused",
    "pm_sepaDebit": "pm_sepa_debit",
}
# Cards of other countries and kinds, and those that may skip 3-D Secure: they all just pay.
_COUNTRIES = (
    "at au be bg br by ca ch cn cr cy cz de dk ec ee es fi fr gb gi gr hk hr hu ie in is it jp li lt lu lv mt mx my "
    "nl no nz pa pe pl pt py ro se sg si sk th tw ua us uy"
)
_PAYING = (
    "visa_debit prepaid visa_prepaid bypassPending riskLevelElevated threeDSecureOptional threeDSecureNotSupported "
    "threeDSecure2Optional " + _COUNTRIES
)
_ALIASES |= {f"pm_card_{name}": "pm_card_visa" for name in _PAYING.split()}
_ALIASES |= {f"pm_card_mastercard_{kind}": "pm_card_mastercard" for kind in ("debit", "prepaid")}


def instrument(token: str) -> Instrument | None:
    """The instrument of that name, Stripe's other names included; None when there is none."""
    return _BY_TOKEN.get(_ALIASES.get(token, token))


def instrument_choices(instruments: Iterable[Instrument] = INSTRUMENTS) -> list[tuple[str, str | Promise]]:
    """(token, label) pairs for a form's picker."""
    return [(found.token, found.label) for found in instruments]
