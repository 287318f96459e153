"""Whose data a request may see and what it may change: every dashboard view goes through here."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from core.log_context import bind
from core.reading import reading_for_reports
from merchants.models import Membership, Merchant, User
from merchants.rules import Capability, may
from merchants.selectors import memberships_of

SESSION_KEY = "dashboard_merchant_id"


@dataclass(frozen=True, slots=True)
class Scope:
    """One person at work for one merchant."""

    user: User
    merchant: Merchant
    role: str
    role_word: str
    others: tuple[Merchant, ...] = ()

    def may(self, capability: Capability) -> bool:
        return may(self.role, capability)

    @property
    def can(self) -> dict[str, bool]:
        """For templates: `{% if scope.can.refunds %}`. Views check again; this only hides buttons."""
        return {capability.value: may(self.role, capability) for capability in Capability}

    @property
    def actor(self) -> str:
        return f"user:{self.user.pk}"


class NoMembership(PermissionDenied):
    """Somebody with a login who works for no merchant."""


def scope_of(request: HttpRequest) -> Scope:
    """The scope of a logged-in request: the merchant chosen in the session if it is still theirs, else the first."""
    memberships = memberships_of(str(request.user.pk))
    if not memberships:
        raise NoMembership
    chosen_id = request.session.get(SESSION_KEY)
    chosen: Membership = next((m for m in memberships if m.merchant_id == chosen_id), memberships[0])
    others = tuple(m.merchant for m in memberships if m is not chosen)
    return Scope(request.user, chosen.merchant, chosen.role, chosen.get_role_display(), others)  # type: ignore[arg-type]


class ScopedMixin(LoginRequiredMixin):
    """Logs in, finds the scope, refuses those who may not, and speaks in the merchant's time zone.

    `capability` names what the view does; None is for looking, which every role may.
    """

    capability: Capability | None = None
    is_report = False  # whether the page may be read from a copy some seconds behind
    request: HttpRequest
    scope: Scope

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        self.scope = scope_of(request)
        bind(merchant_id=self.scope.merchant.pk)  # until the request's own ids are let go
        if self.capability and not self.scope.may(self.capability):
            raise PermissionDenied
        reading = reading_for_reports() if self.is_report else nullcontext()
        with timezone.override(ZoneInfo(self.scope.merchant.timezone)), reading:
            handler: Callable[..., HttpResponseBase] = super().dispatch
            response = handler(request, *args, **kwargs)
            # Rendered here, not later by Django's handler, so that dates are in the merchant's time.
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
            return response
