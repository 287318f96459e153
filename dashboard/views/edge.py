"""The edge where the clock is read and where refusals become words."""

import re
from datetime import datetime

from django.forms import Form
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext

from core.context import Context
from core.errors import OstinatoError
from core.money_format import format_money
from customers.models import TestClock
from dashboard.access import Scope
from engine.types import PaymentOutcome


def context_of(request: HttpRequest, scope: Scope, *, clock_id: str | None = None, key: str = "") -> Context:
    """When and by whom. What lives on a test clock acts in that clock's time."""
    now = timezone.now()
    return Context(
        as_of=business_time(scope, clock_id, now),
        recorded_at=now,
        actor=scope.actor,
        request_id=getattr(request, "request_id", ""),
        idempotency_key=key,
    )


def business_time(scope: Scope, clock_id: str | None, now: datetime) -> datetime:
    if not clock_id:
        return now
    clock = TestClock.objects.filter(id=clock_id, merchant_id=scope.merchant.id).first()
    if clock is None:  # a form may send what its page never offered
        raise Http404
    return clock.frozen_time


def error_text(error: OstinatoError, currency: str = "") -> str:
    """A refusal in the reader's language; what it says of amounts is in `currency`, if there is one."""
    params = error.params
    if currency:
        locale = get_language() or "en"
        params = params | {name: format_money(params[name], currency, locale) for name in error.amounts}  # type: ignore[arg-type]
    return gettext(error.message_id) % params


def show_error(form: Form, error: OstinatoError, currency: str = "") -> None:
    """The refusal beside the field at fault when the form has it, else above the form."""
    own = getattr(form, "field_of_param", str)(error.param)  # a form may know where a parameter is typed, or nowhere
    names = [own, error.param, *re.findall(r"\w+", error.param)]  # "tax_id[value]" may be `value` here, or `tax_id`
    if not own:
        names = []
    field = next((name for name in names if name in form.fields), None)
    form.add_error(field, error_text(error, currency))


def outcome_words(outcome: PaymentOutcome | None) -> str:
    """How a payment went, for the toast; blank when there was none to make."""
    if outcome is None:
        return ""
    words = {
        "succeeded": gettext("The payment succeeded."),
        "declined": gettext("The payment was declined."),
        "requires_action": gettext("The payment needs the customer's authentication."),
        "processing": gettext("The payment is on its way."),
        "unknown": gettext("The payment's outcome is not known yet; it is being looked up."),
        "no_payment_method": gettext("There is no payment method to charge."),
    }
    return words.get(outcome.status, "")
