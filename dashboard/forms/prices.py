"""A new price in any of its models: per unit, tiers, packages, a share of what was counted; by quantity or by meter."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from catalog.models import Meter, PriceType
from dashboard.forms import currencies
from dashboard.forms.catalog import PriceFields
from dashboard.forms.fields import LocalDecimalField, MajorAmountField, Section, UnitAmountField
from dashboard.forms.meters import FORMULA_WORDS

TIER_ROWS = 8
IN_CURRENCIES = ("per_unit", "package")  # tiers in several currencies come through the API
TIERED = ("graduated", "volume")
MODELS = (
    ("per_unit", _("per unit")),
    ("graduated", _("graduated: each unit by the tier it falls in")),
    ("volume", _("volume: all units by the tier of the last")),
    ("package", _("per package of units")),
    ("percentage", _("a percentage of what a meter counts")),
)
# Where a use case's parameter is typed here.
PARAMS = {
    "recurring[meter]": "meter_id",
    "transform_quantity": "divide_by",
    "tiers": "tier_0_unit",
    "recurring": "type",
}


class PriceForm(PriceFields):
    """What does not belong to the chosen model is not read, so that the page works with all its fields shown."""

    layout = (
        (_("When"), ("type", "interval_count", "interval", "trial_period_days", "cycle_day")),
        (_("Other"), ("nickname", "lookup_key", "tax_behavior")),
    )
    PRICING = (
        "model",
        "currency",
        "unit_amount",
        "divide_by",
        "round",
        "percentage",
        "meter_id",
        "minimum_amount",
    )
    model = forms.ChoiceField(label=_("Pricing"), choices=MODELS, initial="per_unit", required=False)
    unit_amount = UnitAmountField(
        label=_("Amount"), required=False, help_text=_("Of one unit, or of one package. Such as 0.0005.")
    )
    divide_by = forms.IntegerField(
        label=_("Units in a package"), min_value=1, required=False, help_text=_("For a price per package.")
    )
    round = forms.ChoiceField(
        label=_("A package begun"),
        choices=(("up", _("is billed whole")), ("down", _("is not billed"))),
        required=False,
        initial="up",
    )
    percentage = LocalDecimalField(
        label=_("Percentage"), required=False, help_text=_("Of a meter that counts amounts, at most 100.")
    )
    meter_id = forms.ChoiceField(
        label=_("Quantity"), required=False, help_text=_("Usage is billed after its period, by what the meter counted.")
    )
    minimum_amount = MajorAmountField(
        label=_("At least, per period"), required=False, help_text=_("A minimum commitment: what is missing is added.")
    )

    def __init__(self, *args: Any, meters: Sequence[Meter] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["meter_id"].choices = [  # type: ignore[attr-defined]
            ("", _("set on the subscription")),
            *(
                (meter.pk, f"{meter.display_name} ({FORMULA_WORDS.get(meter.formula, meter.formula)})")
                for meter in meters
            ),
        ]
        currencies.add_rows(self, UnitAmountField)
        for n in range(TIER_ROWS):
            self.fields[f"tier_{n}_up_to"] = forms.IntegerField(label=_("Up to"), min_value=1, required=False)
            self.fields[f"tier_{n}_unit"] = UnitAmountField(label=_("Per unit"), required=False)
            self.fields[f"tier_{n}_flat"] = UnitAmountField(label=_("Flat"), required=False)

    def pricing(self) -> Section:
        return Section(self, _("Price"), self.PRICING)

    def tier_rows(self) -> list[tuple[BoundField, ...]]:
        """The bound rows, for the template."""
        return [tuple(self[f"tier_{n}_{name}"] for name in ("up_to", "unit", "flat")) for n in range(TIER_ROWS)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        currency = cleaned.get("currency", "")
        cleaned["minimum_minor"] = MajorAmountField.minor(self, "minimum_amount", currency)
        cleaned["model"] = cleaned.get("model") or "per_unit"
        if cleaned["model"] in IN_CURRENCIES:
            cleaned["options"] = currencies.clean_rows(self, UnitAmountField)
        if cleaned["model"] in TIERED:
            cleaned["tiers"] = [self._tier(n, currency) for n in self._used_rows()]
        return cleaned

    def option_rows(self) -> list[tuple[BoundField, BoundField]]:
        return currencies.rows_of(self)

    def _used_rows(self) -> list[int]:
        names = ("up_to", "unit", "flat")
        return [n for n in range(TIER_ROWS) if any(self.data.get(f"tier_{n}_{name}", "").strip() for name in names)]

    def _tier(self, n: int, currency: str) -> dict[str, Any]:
        return {
            "up_to": self.cleaned_data.get(f"tier_{n}_up_to") or "inf",
            "unit_amount_decimal": UnitAmountField.minor(self, f"tier_{n}_unit", currency),
            "flat_amount_decimal": UnitAmountField.minor(self, f"tier_{n}_flat", currency),
        }

    def price_fields(self) -> dict[str, Any]:
        data = self.cleaned_data
        recurring = data["type"] == PriceType.RECURRING
        metered = bool(data["meter_id"]) and recurring
        return (
            super().price_fields()
            | {
                "usage_type": "metered" if metered else "licensed",
                "meter_id": data["meter_id"] if metered else None,
                "minimum_amount": data["minimum_minor"] if recurring else None,
            }
            | self._model_fields(data["model"])
        )

    def _model_fields(self, model: str) -> dict[str, Any]:
        data = self.cleaned_data
        if model in TIERED:
            tiers = {"tiers_mode": model, "tiers": data["tiers"], "unit_amount_decimal": None}
            return {"billing_scheme": "tiered"} | tiers
        options = {currency: {"unit_amount_decimal": amount} for currency, amount in data.get("options", {}).items()}
        if model == "package":
            return {"transform_quantity": {"divide_by": data["divide_by"], "round": data["round"] or "up"}} | {
                "currency_options": options
            }
        if model == "percentage":
            # A percentage that was forgotten is said to be none, not taken for a price per unit.
            return {"percentage": data["percentage"] or Decimal(0), "unit_amount_decimal": None}
        return {"currency_options": options}

    def _option(self, n: int) -> str:
        return str(self.cleaned_data.get(f"option_{n}_currency") or "")

    def field_of_param(self, param: str) -> str:
        """The field beside which a refusal of `param` is said; tiers are counted without the empty rows."""
        option = re.match(r"currency_options\[(\w+)\]", param)
        if option:
            return next((f"option_{n}_currency" for n in range(currencies.ROWS) if self._option(n) == option[1]), param)
        found = re.match(r"tiers\[(\d+)\](?:\[(\w+)\])?", param)
        if not found:
            return PARAMS.get(param, param)
        part = "up_to" if found[2] == "up_to" else "unit"
        return f"tier_{self._used_rows()[int(found[1])]}_{part}"
