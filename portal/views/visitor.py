"""The portal's edge: who is looking, in which language and time zone, and how a refusal becomes words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext

from core.context import Context
from core.errors import OstinatoError
from customers.models import Customer
from customers.selectors import CustomerNotFound, customer_by_id, customer_time
from merchants.models import Merchant
from subscriptions.models import PortalConfiguration
from subscriptions.rules.portal_features import Features
from subscriptions.services.portal_configurations import portal_of

P = ParamSpec("P")
SESSION_KEY = "portal"
SIGNED_IN_FOR = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in subscriber. `proven_email` is blank when nobody showed that the address is theirs."""

    merchant: Merchant
    customer: Customer
    proven_email: str
    portal: PortalConfiguration
    return_url: str = ""
    flow: dict[str, Any] | None = None  # the one thing that this visit is for, as Stripe's `flow` tells it
    locale: str = ""  # what whoever sent them here asked for

    @property
    def may(self) -> Features:
        """What this portal offers: features by Stripe's names, each with `enabled`."""
        return cast(Features, self.portal.features)


def context_of(request: HttpRequest, customer: Customer | None = None) -> Context:
    """When and by whom. A customer on a test clock acts in that clock's time."""
    now = timezone.now()
    return Context(
        as_of=customer_time(customer, now) if customer else now,
        recorded_at=now,
        actor=f"customer:{customer.id}" if customer else "visitor",
        request_id=getattr(request, "request_id", ""),
    )


def sign_in(
    request: HttpRequest,
    customer: Customer,
    *,
    proven_email: str = "",
    configuration_id: str = "",
    return_url: str = "",
    locale: str = "",
    flow: dict[str, Any] | None = None,
) -> None:
    """Scope this browser to one customer, under a new session key so that a planted one is worth nothing."""
    until = timezone.now() + SIGNED_IN_FOR
    request.session.cycle_key()
    request.session[SESSION_KEY] = {
        "merchant": customer.merchant_id,
        "customer": customer.id,
        "email": proven_email,
        "configuration": configuration_id,
        "return_url": return_url,
        "locale": locale,
        "flow": flow,
        "until": until.isoformat(),
    }


def sign_out(request: HttpRequest) -> None:
    """Forget the subscriber and nothing else: the same browser may be logged in to the dashboard."""
    request.session.pop(SESSION_KEY, None)


def visitor_of(request: HttpRequest) -> Visitor | None:
    """Who is signed in, or None. The customer is read anew each time: a deleted one is out at once."""
    kept = request.session.get(SESSION_KEY)
    if not kept or datetime.fromisoformat(kept["until"]) <= timezone.now():
        return None
    try:
        customer = customer_by_id(kept["merchant"], kept["customer"])
    except CustomerNotFound:
        return None
    portal = portal_of(customer.merchant_id, kept.get("configuration", ""))
    told = {name: kept[name] for name in ("return_url", "locale", "flow") if name in kept}
    return Visitor(customer.merchant, customer, kept["email"], portal, **told)


def signed_in(
    view: Callable[Concatenate[HttpRequest, Visitor, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let only a signed-in subscriber through, in their language and the merchant's time zone."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visitor = visitor_of(request)
        if visitor is None:
            return redirect("portal_home")
        speak(request, visitor.locale, visitor.customer.preferred_locale, visitor.merchant.locale)
        with timezone.override(ZoneInfo(visitor.merchant.timezone)):
            response = view(request, visitor, *args, **kwargs)
        add_never_cache_headers(response)  # another person may press "back" on this machine
        return response

    return guarded


def offered(visitor: Visitor, feature: str) -> dict[str, Any]:
    """The feature's settings. What this portal does not offer is not there: raises `Http404`."""
    found: dict[str, Any] = visitor.may[feature]
    if not found["enabled"]:
        raise Http404
    return found


def speak(request: HttpRequest, *wished: str) -> None:
    """The first known language of `wished`, unless the reader chose one by the switch."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return
    for locale in wished:
        if not locale:
            continue
        try:
            language = translation.get_supported_language_variant(locale)
        except LookupError:
            continue
        translation.activate(language)
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
        return


def paper(
    request: HttpRequest, template: str, merchant: Merchant | None, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A page in the merchant's clothes and time zone."""
    zone = ZoneInfo(merchant.timezone) if merchant else timezone.get_current_timezone()
    with timezone.override(zone):
        return render(request, f"portal/{template}", {"merchant": merchant, **context}, status=status)


def leave_for(request: HttpRequest, merchant: Merchant, url: str) -> HttpResponse:
    """After a form: send the visitor on by a page of our own."""
    response = paper(request, "to_processor.html", merchant, {"url": url})
    response["Refresh"] = f"0; url={url}"
    response["Cache-Control"] = "no-store"
    return response


def error_text(error: OstinatoError) -> str:
    """A refusal in the reader's language."""
    return gettext(error.message_id) % error.params


def show_error(form: BaseForm, error: OstinatoError) -> None:
    """The refusal beside the field at fault when the form has it, else above the form."""
    field = error.param.split("[", 1)[0]
    form.add_error(field if field in form.fields else None, error_text(error))
