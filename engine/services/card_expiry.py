"""Cards whose last month begins.

1. Ask their processor first: an issuer may have replaced the card, and then there is nothing to warn of.
2. What still ends is told of (`payment_method.expiring`), once a card.
3. `replace_sandbox_card` is the issuer's part where the processor is our own.
"""

from __future__ import annotations

import logging

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from customers.selectors import payment_method_by_id
from customers.writes import claim_ending_cards, ending_cards
from engine.services.chunks import ChunkReport, Job, run_job
from engine.services.sending import call_of
from engine.types import RunReport
from events.copying import Row
from payments.gateways import gateway_named
from payments.gateways.base import GatewayRefused, NoSuchGatewayObject
from payments.gateways.sandbox import SandboxGateway
from payments.services import note_method, tell_expiring

logger = logging.getLogger(__name__)
KIND = "card_expiry"


class NotASandboxCard(OstinatoError):
    code = "payment_method_unexpected_state"
    param = "payment_method"
    message_id = gettext_noop("Only the sandbox's cards can be replaced here; a real one's issuer does it.")


def run_card_expiries(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 200, max_chunks: int | None = None
) -> RunReport:
    """Look up and tell of every card whose last month has begun."""
    asked: set[str] = set()
    while fresh := ending_cards(ctx.as_of, clock_id, chunk_size, asked):
        for card in fresh:
            asked.add(card.id)
            _ask(ctx, card)
        if len(fresh) < chunk_size:
            break
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_ending_cards(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda cards: _tell(ctx, cards),
    )
    return run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)


def replace_sandbox_card(*, ctx: Context, merchant_id: str, customer_id: str, payment_method_id: str) -> PaymentMethod:
    """The issuer sends a new card, and the processor tells of it. Raises `PaymentMethodNotFound`, `NotASandboxCard`."""
    method = payment_method_by_id(merchant_id, customer_id, payment_method_id)
    gateway = gateway_named(method.gateway)
    if not isinstance(gateway, SandboxGateway) or not method.exp_year:
        raise NotASandboxCard
    gateway.replace_card(call_of(ctx, merchant_id, f"{method.id}/replace"), method.gateway_method_id)
    _ask(ctx, method)
    return payment_method_by_id(merchant_id, customer_id, payment_method_id)


def _ask(ctx: Context, method: PaymentMethod) -> None:
    """What the processor knows of the card; one that does not answer keeps nobody from being warned."""
    call = call_of(ctx, method.merchant_id, f"{method.id}/look")
    try:
        told = gateway_named(method.gateway).retrieve_method(call, method.gateway_method_id)
    except (GatewayRefused, NoSuchGatewayObject) as refused:
        logger.info("%s could not be read: %s", method.id, refused.code)
        return
    note_method(ctx=ctx, merchant_id=method.merchant_id, gateway=method.gateway, facts=told)


def _tell(ctx: Context, cards: list[Row]) -> ChunkReport:
    tell_expiring(ctx, cards)
    return ChunkReport(done=len(cards))
