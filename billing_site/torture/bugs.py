"""Bugs to seed: each is what a careless hand would write, and each must be caught by the audit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from core.context import Context
from engine.services import resolve, sending
from payments import rules
from payments.models import Charge, PaymentIntent
from payments.types import NotConfirmed, Standing, Succeeded


def another_key(payment_intent_id: str, attempt: int = 1) -> str:
    return f"{payment_intent_id}/create/{os.urandom(8).hex()}"


def new_key_on_retry() -> None:
    """What got no answer is sent again at once, under a new key, as a new payment."""

    def no_look_up(ctx: Context, charges: Sequence[Charge]) -> dict[str, Standing]:
        PaymentIntent.objects.filter(charges__in=charges).update(gateway_intent_id="")
        return {charge.id: NotConfirmed() for charge in charges}

    resolve._look_up = no_look_up
    sending.intent_key = another_key  # type: ignore[attr-defined]


def no_look_up_after_expiry() -> None:
    """When the processor has forgotten the key, the payment is taken for failed and made anew, unasked."""
    look_up = resolve._look_up

    def forgetful(ctx: Context, charges: Sequence[Charge]) -> dict[str, Standing]:
        old = [charge for charge in charges if not rules.key_is_alive(charge.recorded_at, ctx.recorded_at)]
        PaymentIntent.objects.filter(charges__in=old).update(gateway_intent_id="")
        sending.intent_key = another_key  # type: ignore[attr-defined]
        return look_up(ctx, [charge for charge in charges if charge not in old]) | {
            charge.id: NotConfirmed() for charge in old
        }

    resolve._look_up = forgetful


def state_before_the_answer() -> None:
    """The charge is marked paid when it is sent."""
    confirm_all = sending._confirm_all

    def hopeful(ctx: Context, gateway: Any, jobs: Sequence[Any], gateway_ids: Mapping[str, str]) -> dict[str, Standing]:
        confirm_all(ctx, gateway, jobs, gateway_ids)
        return {job.charge.id: Succeeded(f"ch_hoped_for_{job.charge.id}") for job in jobs}

    sending._confirm_all = hopeful


BUGS = {
    "new-key-on-retry": new_key_on_retry,
    "no-look-up-after-expiry": no_look_up_after_expiry,
    "state-before-the-answer": state_before_the_answer,
}
