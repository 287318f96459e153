"""The two worlds in which the contract is tried: each gateway, with what its other side does by itself."""

from datetime import timedelta

from payments.gateways import gateway_named
from payments.gateways.base import Call
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import stripe_account
from tests.factories.merchants import merchant as new_merchant
from tests.factories.times import NEW_YEAR
from tests.fake_stripe import intents as fake_intents, money
from tests.fake_stripe.checkout import enter


class SandboxWorld:
    """The sandbox lives in the time of its calls, and its named instruments lose answers by themselves."""

    name = "sandbox"
    tells_day_of_debits = True
    instruments = {
        "never again": "pm_sandbox_mastercardNeverAgain",
        "second try": "pm_sandbox_declineThenSucceed",
        "sepa": "pm_sepa_debit",
        "sepa that fails": "pm_sepa_debit_fails",
        "acss": "pm_acss_debit",
        "acss that fails": "pm_acss_debit_fails",
        "ach": "pm_us_bank_account",
        "ach that fails": "pm_us_bank_account_fails",
    }

    def __init__(self):
        self.gateway = gateway_named(self.name)

    def token(self, name: str) -> str:
        return self.instruments.get(name, name)

    def days_pass(self, days: int) -> None:
        """Its business time is the call's."""

    def loses(self, what: str) -> str:
        """An instrument whose confirmation meets this fault."""
        return {
            "drop_after": "pm_sandbox_timeoutAfterCharge",
            "drop_before": "pm_sandbox_timeoutBeforeCharge",
            "500_after": "pm_sandbox_serverErrorAfterCharge",
        }[what]

    def customer_authenticates(self, call: Call, intent_id: str, *, approve: bool) -> None:
        """It is told by `complete_action` itself."""

    def customer_enters(self, call: Call, setup_id: str, token: str) -> None:
        self.gateway.enter_instrument(call, setup_id, token)

    def cardholder_disputes(self, call: Call, intent_id: str, *, inquiry: bool = False) -> str:
        return self.gateway.open_dispute(call, intent_id, "fraudulent", inquiry=inquiry).gateway_dispute_id

    def bank_decides(self, call: Call, dispute_id: str, status: str) -> None:
        self.gateway.decide_dispute(call, dispute_id, status)


class StripeWorld:
    """Stripe lives in a time of its own, loses answers on the line, and has pages for its customers."""

    name = "stripe"
    tells_day_of_debits = False
    instruments = {
        "never again": "pm_fake_neverAgain",
        "second try": "pm_fake_declineThenSucceed",
        "sepa": "pm_fake_sepa",
        "sepa that fails": "pm_fake_sepa_fails",
        "acss": "pm_fake_acss",
        "acss that fails": "pm_fake_acss_fails",
        "ach": "pm_usBankAccount_success",
        "ach that fails": "pm_usBankAccount_insufficientFunds",
    }

    def __init__(self, fake):
        self.gateway = gateway_named(self.name)
        self.fake = fake
        fake.books.started = NEW_YEAR.timestamp()
        self.accounts = {}
        for merchant_id in ("acct_1", "acct_2"):
            api_key = f"sk_test_{merchant_id.replace('_', '')}0123456789abcdefghij"
            merchant = new_merchant(id=merchant_id)
            new_customer(merchant=merchant, id="cus_1" if merchant_id == "acct_1" else "cus_9")
            self.accounts[merchant_id] = fake.books.open_account(api_key)
            stripe_account(merchant=merchant, api_key=api_key, gateway_account_id=self.accounts[merchant_id].id)

    def token(self, name: str) -> str:
        return self.instruments.get(name, name)

    def days_pass(self, days: int) -> None:
        self.fake.books.advance(timedelta(days=days).total_seconds())

    def loses(self, what: str) -> str:
        self.fake.faults.arm(what, "/confirm$")
        return "pm_card_visa"

    def customer_authenticates(self, call: Call, intent_id: str, *, approve: bool) -> None:
        fake_intents.authenticate(self.fake.books, self.accounts[call.merchant_id], intent_id, approve=approve)

    def customer_enters(self, call: Call, setup_id: str, token: str) -> None:
        enter(self.fake.books, self.accounts[call.merchant_id], setup_id, token)

    def cardholder_disputes(self, call: Call, intent_id: str, *, inquiry: bool = False) -> str:
        account = self.accounts[call.merchant_id]
        charge = money.charge_of(self.fake.books, account, intent_id)
        return money.open_dispute(self.fake.books, account, charge, "warning" if inquiry else "fraudulent")["id"]

    def bank_decides(self, call: Call, dispute_id: str, status: str) -> None:
        money.close_dispute(self.fake.books, self.accounts[call.merchant_id], dispute_id, status)
