"""The phases of a schedule: what is sold, for how long, at which discount, and what comes after the last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from catalog.models import Coupon, Price
from dashboard.forms.fields import local_moment
from dashboard.forms.sales import price_label
from engine.rules.schedules import PhasesMissing
from engine.types import ItemRequest
from engine.types.requests import DiscountRequest
from engine.types.schedules import PhaseRequest

PHASES = 6  # more can be had through the API
ITEMS = 3
KEPT = "kept"  # several discounts, or one that stands already: as the phase has them
PRORATIONS = (
    ("create_prorations", _("on the next invoice")),
    ("always_invoice", _("invoiced at once")),
    ("none", _("not billed")),
)
ENDS = (("release", _("the subscription goes on")), ("cancel", _("the subscription is canceled")))


class PhasesForm(forms.Form):
    """`standing` are the phases that are edited, the current one first: what this page does not show of them stays."""

    start_date = local_moment(label=_("Starts"), required=False, help_text=_("Empty: now."))
    end_behavior = forms.ChoiceField(label=_("After the last phase"), choices=ENDS, initial="release")

    def __init__(
        self,
        *args: Any,
        prices: Sequence[Price] = (),
        coupons: Sequence[Coupon] = (),
        standing: Sequence[PhaseRequest] = (),
        starts: bool = True,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.standing = standing
        if not starts:
            del self.fields["start_date"]
        self.count = max(PHASES, len(standing) + 1)
        self.items_count = max([ITEMS, *(len(phase.items) + 1 for phase in standing)])
        choices = [("", _("Choose a price")), *((price.pk, price_label(price)) for price in prices)]
        offers = [("", "–"), *((coupon.pk, str(coupon)) for coupon in coupons)]
        for n in range(self.count):
            self._add_phase(n, standing[n] if n < len(standing) else None, choices, offers)

    def _add_phase(self, n: int, phase: PhaseRequest | None, prices: list[Any], coupons: list[Any]) -> None:
        self._add_items(n, phase.items if phase else (), prices)
        ends = phase.end_date if phase else None
        held = phase.discounts_wanted if phase else ()
        coupon = held[0].coupon_id if len(held) == 1 else ""
        if held and not coupon:
            words = ngettext("the discount it has", "its %(count)s discounts", len(held)) % {"count": len(held)}
            coupons = [*coupons, (KEPT, words)]
        self.fields |= {
            f"p{n}_iterations": forms.IntegerField(
                label=_("Lasts, in billing periods"),
                min_value=1,
                max_value=999,
                required=False,
                initial=None if ends else (phase.iterations if phase else None) or 1,
            ),
            f"p{n}_end_date": local_moment(label=_("Or ends on"), required=False, initial=ends),
            f"p{n}_coupon": forms.ChoiceField(
                label=_("Coupon"),
                choices=coupons,
                required=False,
                initial=coupon or (KEPT if held else ""),
            ),
            f"p{n}_proration": forms.ChoiceField(
                label=_("What its beginning prorates"),
                choices=PRORATIONS,
                required=False,
                initial=phase.proration_behavior if phase else "create_prorations",
            ),
            f"p{n}_trial": forms.BooleanField(
                label=_("All of it is a trial"), required=False, initial=phase.trial if phase else False
            ),
        }

    def _add_items(self, n: int, items: Sequence[ItemRequest], prices: list[Any]) -> None:
        for k in range(self.items_count):
            item = items[k] if k < len(items) else None
            self.fields[f"p{n}_price_{k}"] = forms.ChoiceField(
                label=_("Price") if k == 0 else _("And"),
                choices=prices,
                required=False,
                initial=item.price_id if item else "",
            )
            self.fields[f"p{n}_quantity_{k}"] = forms.IntegerField(
                label=_("Quantity"), min_value=0, required=False, initial=item.quantity if item else 1
            )

    def phase_rows(self) -> list[dict[str, Any]]:
        """Each phase's bound fields, for the template."""
        terms = ("iterations", "end_date", "coupon", "proration")
        return [
            {
                "number": n + 1,
                "items": [(self[f"p{n}_price_{k}"], self[f"p{n}_quantity_{k}"]) for k in range(self.items_count)],
                "terms": [self[f"p{n}_{name}"] for name in terms],
                "trial": self[f"p{n}_trial"],
                "open": n < max(2, len(self.standing)) or self._is_filled(n),
            }
            for n in range(self.count)
        ]

    def _is_filled(self, n: int) -> bool:
        return any(self.data.get(f"p{n}_price_{k}") for k in range(self.items_count))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        filled = [n for n in range(self.count) if self._items(n)]
        if not filled:
            self.add_error("p0_price_0", gettext(PhasesMissing.message_id))
        for n in filled:
            if cleaned.get(f"p{n}_end_date") and cleaned.get(f"p{n}_iterations"):
                cleaned[f"p{n}_iterations"] = None  # a date that somebody chose says more than the number offered
        return cleaned

    def _items(self, n: int) -> tuple[ItemRequest, ...]:
        found = []
        for k in range(self.items_count):
            price_id = self.cleaned_data.get(f"p{n}_price_{k}")
            if price_id:
                quantity = self.cleaned_data.get(f"p{n}_quantity_{k}")
                found.append(self._item(n, price_id, 1 if quantity is None else quantity))
        return tuple(found)

    def _item(self, n: int, price_id: str, quantity: int) -> ItemRequest:
        """An item that stays keeps what this page does not show of it."""
        items = self.standing[n].items if n < len(self.standing) else ()
        kept = next((item for item in items if item.price_id == price_id), ItemRequest(price_id))
        return replace(kept, quantity=quantity)

    def phases(self) -> tuple[PhaseRequest, ...]:
        return tuple(self._phase(n) for n in range(self.count) if self._items(n))

    def _phase(self, n: int) -> PhaseRequest:
        data = self.cleaned_data
        before = self.standing[n] if n < len(self.standing) else PhaseRequest(items=())
        coupon = data[f"p{n}_coupon"]
        ends: datetime | None = data[f"p{n}_end_date"]
        if coupon != KEPT:
            stack = (DiscountRequest(coupon_id=coupon),) if coupon else ()
            before = replace(before, discounts=stack, coupon_ids=None)
        return replace(
            before,
            items=self._items(n),
            end_date=ends,
            iterations=None if ends else data[f"p{n}_iterations"],
            proration_behavior=data[f"p{n}_proration"] or "create_prorations",
            trial=data[f"p{n}_trial"],
        )
