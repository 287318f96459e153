"""Stripe behind the port. Intents are made unconfirmed, then confirmed under the attempt's own key.

No card number comes here: a customer enters one on Stripe's page (Checkout, mode=setup), and we get its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import stripe
from django.conf import settings

from payments.gateways import stripe_customers as customers
from payments.gateways.base import (
    Call,
    GatewayRefused,
    GatewayUnreachable,
    IntentRequest,
    MethodNotUsable,
    NoSuchGatewayObject,
    SetupRequest,
    ToConfirm,
    ToCreate,
    UnexpectedIntentState,
    UnknownInstrument,
    outside_transactions,
)
from payments.gateways.batches import side_by_side
from payments.gateways.stripe_amounts import to_stripe
from payments.gateways.stripe_books import StripeBooks, carries
from payments.gateways.stripe_client import Connection, ask_about_money, connection_of, translated
from payments.gateways.stripe_intents import create_params, declined_by, intent_from, outcome_of, plain
from payments.gateways.stripe_methods import checkout_params, method_from, setup_from
from payments.types import (
    GatewayIntent,
    MethodFacts,
    NotConfirmed,
    Outcome,
    SetupResult,
    SetupStarted,
    Unknown,
)

# What a look-up by metadata goes through at most: 100 intents a page.
_MOST_PAGES = 50


class StripeGateway(StripeBooks):
    """See `payments.gateways.base.Gateway` for what each method promises."""

    name = "stripe"

    # --- customers and ways to pay ---------------------------------------------------------------------------

    @outside_transactions
    def ensure_customer(self, call: Call, customer_id: str, *, email: str = "", name: str = "") -> str:
        return customers.ensure(connection_of(call.merchant_id), call, customer_id, email=email, name=name)

    @outside_transactions
    def start_setup(self, call: Call, request: SetupRequest) -> SetupStarted:
        at = connection_of(call.merchant_id)
        owner = customers.ensure(at, call, request.customer_id)
        with translated():
            session = at.client.v1.checkout.sessions.create(
                checkout_params(request, owner),  # type: ignore[arg-type]
                {"idempotency_key": call.key},
            )
        return SetupStarted(session.id, session.url or "")

    @outside_transactions
    def finish_setup(self, call: Call, gateway_setup_id: str) -> SetupResult:
        at = connection_of(call.merchant_id)
        expand = ["setup_intent.payment_method"]
        with translated(gateway_setup_id):
            return setup_from(plain(at.client.v1.checkout.sessions.retrieve(gateway_setup_id, {"expand": expand})))

    @outside_transactions
    def attach(self, call: Call, customer_id: str, instrument: str) -> MethodFacts:
        at = connection_of(call.merchant_id)
        owner = customers.ensure(at, call, customer_id)
        try:
            with translated(instrument):
                attached = at.client.v1.payment_methods.attach(
                    instrument, {"customer": owner}, {"idempotency_key": call.key}
                )
        except NoSuchGatewayObject:
            raise UnknownInstrument(instrument=instrument) from None
        return method_from(plain(attached))

    @outside_transactions
    def retrieve_method(self, call: Call, gateway_method_id: str) -> MethodFacts:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_method_id):
                return method_from(plain(at.client.v1.payment_methods.retrieve(gateway_method_id)))
        except UnknownInstrument:
            raise NoSuchGatewayObject(id=gateway_method_id) from None

    @outside_transactions
    def detach(self, call: Call, gateway_method_id: str) -> None:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_method_id):
                at.client.v1.payment_methods.detach(gateway_method_id, {}, {"idempotency_key": call.key})
        except (UnknownInstrument, MethodNotUsable):
            raise NoSuchGatewayObject(id=gateway_method_id) from None

    @outside_transactions
    def customer_is_gone(self, call: Call, gateway_customer_id: str) -> bool:
        at = connection_of(call.merchant_id)
        with translated(gateway_customer_id):
            return bool(plain(at.client.v1.customers.retrieve(gateway_customer_id)).get("deleted"))

    # --- intents -----------------------------------------------------------------------------------------------

    @outside_transactions
    def create_intent(self, call: Call, request: IntentRequest) -> GatewayIntent | Unknown:
        at = connection_of(call.merchant_id)
        owner = customers.ensure(at, call, request.customer_id) if request.customer_id else ""
        return _create(at, call, request, owner)

    @outside_transactions
    def confirm(
        self,
        call: Call,
        gateway_intent_id: str,
        gateway_method_id: str,
        *,
        off_session: bool,
        method_type: str = "card",
        mandate_id: str = "",
        return_url: str = "",
    ) -> Outcome:
        one = ToConfirm(call, gateway_intent_id, gateway_method_id, off_session, method_type, mandate_id, return_url)
        return _confirm(connection_of(call.merchant_id), one)

    @outside_transactions
    def create_intents(self, batch: Sequence[ToCreate]) -> list[GatewayIntent | Unknown | GatewayRefused]:
        known = _connections([item.call for item in batch])
        owners = _owners(known, batch)

        def create(item: ToCreate) -> GatewayIntent | Unknown:
            owner = owners[item.call.merchant_id, item.request.customer_id]
            if isinstance(owner, GatewayRefused):
                raise owner
            return _create(_ready(known, item.call), item.call, item.request, owner)

        return side_by_side(batch, create, width=settings.STRIPE_CALLS_AT_ONCE)

    @outside_transactions
    def confirm_all(self, batch: Sequence[ToConfirm]) -> list[Outcome | GatewayRefused]:
        known = _connections([item.call for item in batch])
        return side_by_side(
            batch, lambda item: _confirm(_ready(known, item.call), item), width=settings.STRIPE_CALLS_AT_ONCE
        )

    @outside_transactions
    def retrieve(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_intent_id):
                return intent_from(plain(at.client.v1.payment_intents.retrieve(gateway_intent_id)))
        except GatewayUnreachable as lost:
            return Unknown(str(lost.params.get("reason", "")))

    @outside_transactions
    def find_by_metadata(
        self, call: Call, customer_id: str, metadata: Mapping[str, str]
    ) -> GatewayIntent | Unknown | None:
        at = connection_of(call.merchant_id)
        key = (call.merchant_id, customer_id)
        owner = customers.known([key]).get(key) if customer_id else ""
        if owner is None:
            return None  # nothing was ever made there for this customer: its id is committed before anything is
        wanted = {name: value for name, value in metadata.items() if value}
        return ask_about_money(lambda: _find(at, owner, wanted))

    @outside_transactions
    def capture(self, call: Call, gateway_intent_id: str, amount: int, currency: str) -> Outcome:
        at = connection_of(call.merchant_id)

        def capture() -> Outcome:
            taken = {"amount_to_capture": to_stripe(amount, currency)}
            key = {"idempotency_key": call.key}
            try:
                captured = at.client.v1.payment_intents.capture(gateway_intent_id, taken, key)  # type: ignore[arg-type]
            except stripe.CardError as declined:
                return declined_by(declined)
            return outcome_of(plain(captured))

        return ask_about_money(capture)

    @outside_transactions
    def cancel(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_intent_id):
                return intent_from(plain(at.client.v1.payment_intents.cancel(gateway_intent_id)))
        except UnexpectedIntentState:
            return self.retrieve(call, gateway_intent_id)  # too late, or done before: as it stands
        except GatewayUnreachable as lost:
            return Unknown(str(lost.params.get("reason", "")))

    @outside_transactions
    def complete_action(self, call: Call, gateway_intent_id: str, *, approve: bool) -> Outcome:
        # What was done on the bank's page is Stripe's to say.
        found = self.retrieve(call, gateway_intent_id)
        if isinstance(found, Unknown):
            return found
        if found.latest_charge_id == "" and isinstance(found.standing, NotConfirmed):
            raise UnexpectedIntentState
        return outcome_from(found)


# --- single calls, without the database: they run side by side --------------------------------------------------


def outcome_from(found: GatewayIntent) -> Outcome:
    standing = found.standing
    return standing if isinstance(standing, Outcome) else Unknown("not_confirmed")


def _create(at: Connection, call: Call, request: IntentRequest, owner: str) -> GatewayIntent | Unknown:
    params = create_params(request, owner)
    return ask_about_money(
        lambda: intent_from(
            plain(at.client.v1.payment_intents.create(params, {"idempotency_key": call.key}))  # type: ignore[arg-type]
        )
    )


def _confirm(at: Connection, item: ToConfirm) -> Outcome:
    params: dict[str, object] = {
        "payment_method": item.gateway_method_id,
        "payment_method_types": [item.method_type],
    }
    if item.mandate_id:
        params["mandate"] = item.mandate_id
    if item.off_session:
        params["off_session"] = True
    else:
        params["return_url"] = item.return_url or settings.SITE_URL

    def confirm() -> Outcome:
        try:
            confirmed = at.client.v1.payment_intents.confirm(
                item.gateway_intent_id,
                params,  # type: ignore[arg-type]
                {"idempotency_key": item.call.key},
            )
        except stripe.CardError as declined:
            return declined_by(declined)
        return outcome_of(plain(confirmed))

    try:
        return ask_about_money(confirm)
    except UnknownInstrument:
        raise MethodNotUsable from None


def _find(at: Connection, owner: str, metadata: Mapping[str, str]) -> GatewayIntent | Unknown | None:
    of_customer = {"customer": owner} if owner else {}
    listed = at.client.v1.payment_intents.list({"limit": 100, **of_customer})  # type: ignore[arg-type]
    for number, intent in enumerate(listed.auto_paging_iter()):
        body = plain(intent)
        if carries(body, metadata):
            return intent_from(body)
        if number >= _MOST_PAGES * 100:
            return Unknown("too_many_to_search")  # not found is only what was searched to its end
    return None


def _connections(calls: Sequence[Call]) -> dict[str, Connection | GatewayRefused]:
    """The connection of each merchant of a batch, or why there is none."""
    found: dict[str, Connection | GatewayRefused] = {}
    for call in calls:
        if call.merchant_id not in found:
            try:
                found[call.merchant_id] = connection_of(call.merchant_id)
            except GatewayRefused as refused:
                found[call.merchant_id] = refused
    return found


def _ready(known: Mapping[str, Connection | GatewayRefused], call: Call) -> Connection:
    at = known[call.merchant_id]
    if isinstance(at, GatewayRefused):
        raise at
    return at


def _owners(
    known: Mapping[str, Connection | GatewayRefused], batch: Sequence[ToCreate]
) -> dict[tuple[str, str], str | GatewayRefused]:
    """Stripe's ids of a batch's customers, made where missing, before anything runs side by side: threads read no
    database."""
    owners: dict[tuple[str, str], str | GatewayRefused] = {}
    owners |= customers.known([(item.call.merchant_id, item.request.customer_id) for item in batch])
    for item in batch:
        owner = (item.call.merchant_id, item.request.customer_id)
        if not item.request.customer_id:
            owners[owner] = ""
        elif owner not in owners:
            try:
                owners[owner] = customers.ensure(_ready(known, item.call), item.call, item.request.customer_id)
            except GatewayUnreachable:
                owners[owner] = CustomerUnknown()
            except GatewayRefused as refused:
                owners[owner] = refused
    return owners


class CustomerUnknown(GatewayRefused):
    """Stripe did not answer when the customer was to be made: nothing of the intent was asked yet."""

    code = "api_connection_error"
    nothing_taken = False
