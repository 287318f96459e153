"""The numbers that stand on Stripe's published test cards and accounts, and the instrument that each stands for. Pure.

They are names of instruments, no one's money: any other number is refused and kept nowhere.
Source: docs.stripe.com/testing.
"""

from __future__ import annotations

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from core.errors import OstinatoError, gettext_noop
from payments.gateways.sandbox_instruments import Instrument, instrument

_VISA, _MASTERCARD, _AMEX = "pm_card_visa", "pm_card_mastercard", "pm_card_amex"
_CARDS = {
    "4242424242424242": _VISA,
    "4000056655665556": _VISA,
    "5555555555554444": _MASTERCARD,
    "2223003122003222": _MASTERCARD,
    "5200828282828210": _MASTERCARD,
    "5105105105105100": _MASTERCARD,
    "378282246310005": _AMEX,
    "371449635398431": _AMEX,
    "6011111111111117": "pm_card_discover",
    "6011000990139424": "pm_card_discover",
    "3056930009020004": "pm_card_diners",
    "36227206271667": "pm_card_diners",
    "3566002020360505": "pm_card_jcb",
    "6200000000000005": "pm_card_unionpay",
    "4000000000000077": _VISA,
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "4000000000009987": "pm_card_visa_chargeDeclinedLostCard",
    "4000000000009979": "pm_card_visa_chargeDeclinedStolenCard",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000127": "pm_card_chargeDeclinedIncorrectCvc",
    "4000000000000119": "pm_card_chargeDeclinedProcessingError",
    "4100000000000019": "pm_card_radarBlock",
    "4000002500003155": "pm_card_authenticationRequiredOnSetup",
    "4000002760003184": "pm_card_authenticationRequired",
    "4000000000003220": "pm_card_threeDSecure2Required",
    "4000000000000259": "pm_card_createDispute",
    "4000000000002685": "pm_card_createDisputeProductNotReceived",
    "4000000000001976": "pm_card_createDisputeInquiry",
    "4000000000007726": "pm_card_pendingRefund",
    "4000000000005126": "pm_card_refundFail",
}
# Of each scheme, the accounts that fail; every other well-formed one pays.
_FAILING_IBANS = {"AT861904300235473202", "DE62370400440532013001"}
_FAILING_US = {
    "000111111116": "pm_us_bank_account_closed",
    "000111111113": "pm_us_bank_account_closed",
    "000222222227": "pm_us_bank_account_fails",
    "000333333335": "pm_us_bank_account_refused",
}


class CardNumberIncorrect(OstinatoError):
    code = "incorrect_number"
    param = "number"
    message_id = gettext_noop("Your card number is incorrect.")


class NotATestCard(OstinatoError):
    code = "card_declined"
    decline_code = "test_mode_live_card"
    message_id = gettext_noop(
        "Your card was declined. A sandbox takes published test cards only; this number was not kept."
    )


class IbanInvalid(OstinatoError):
    code = "invalid_bank_account_iban"
    param = "sepa_debit[iban]"
    message_id = gettext_noop("The IBAN that you provided is invalid.")


def card_numbered(number: str) -> Instrument:
    """The instrument of a test card's number, written with or without spaces. Raises the refusals above."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and luhn.is_valid(digits)):
        raise CardNumberIncorrect
    found = instrument(_CARDS.get(digits, ""))
    if found is None:
        raise NotATestCard
    return found


def account_of_iban(iban: str) -> Instrument:
    """A SEPA debit's instrument. Raises `IbanInvalid`."""
    written = iban.replace(" ", "").upper()
    if not (written.isascii() and written.isalnum() and 15 <= len(written) <= 34 and written[:2].isalpha()):
        raise IbanInvalid
    if not mod_97_10.is_valid(written[4:] + written[:4]):
        raise IbanInvalid
    return _known("pm_sepa_debit_fails" if written in _FAILING_IBANS else "pm_sepa_debit")


def us_account_numbered(number: str) -> Instrument:
    return _known(_FAILING_US.get(number, "pm_us_bank_account"))


def canadian_account_numbered(number: str) -> Instrument:
    return _known("pm_acss_debit_fails" if number == "000222222227" else "pm_acss_debit")


def _known(token: str) -> Instrument:
    found = instrument(token)
    assert found is not None, token
    return found
