"""What a checkout's page asks and says, as sessions and payment links take it: the parameters and their checks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.protocol.operation import Call, Json
from api.protocol.schema import ParameterMissing, ParameterOutOfRange, boolean, choice, hash_of, integer, list_of, text
from api.resources.pricing import tax_rate_ids
from catalog.page_terms import LENGTH_MAX
from core.errors import OstinatoError, gettext_noop

_KEY = re.compile(r"[A-Za-z0-9]+")
_TEXT = hash_of({"message": text(required=True, most=1200)}, clearable=True)
_LENGTHS = {
    "default_value": text(most=LENGTH_MAX),
    "maximum_length": integer(least=1, most=LENGTH_MAX),
    "minimum_length": integer(least=1, most=LENGTH_MAX),
}
_OPTION = hash_of({"label": text(required=True, most=100), "value": text(required=True, most=100)})
_CUSTOM_FIELD = hash_of(
    {
        "dropdown": hash_of(
            {"default_value": text(most=100), "options": list_of(_OPTION, required=True, most=200)},
        ),
        "key": text(required=True, most=200),
        "label": hash_of(
            {"custom": text(required=True, most=50), "type": choice("custom", required=True)}, required=True
        ),
        "numeric": hash_of(_LENGTHS),
        "optional": boolean(),
        "text": hash_of(_LENGTHS),
        "type": choice("dropdown", "numeric", "text", required=True),
    }
)
# What may be changed of a payment link, and said of both.
PAGE_TERMS = {
    "billing_address_collection": choice("auto", "required"),
    "custom_fields": list_of(_CUSTOM_FIELD, clearable=True, most=3),
    "custom_text": hash_of({"after_submit": _TEXT, "submit": _TEXT, "terms_of_service_acceptance": _TEXT}),
    "payment_method_collection": choice("always", "if_required"),
    "phone_number_collection": hash_of({"enabled": boolean(required=True)}),
}
CONSENT = hash_of({"terms_of_service": choice("none", "required")})
ADJUSTABLE = hash_of(
    {
        "enabled": boolean(required=True),
        "maximum": integer(least=1, most=999_999),
        "minimum": integer(least=0, most=999_999),
    }
)
_UNBOUNDED = {"minimum": 0, "maximum": 99}  # Stripe's own where nothing is said


class KeyInvalid(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Keys and values of custom fields are letters and digits, each used once.")


class FieldOfAnotherType(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A custom field of type `%(type)s` does not take `%(name)s`.")


class LengthsCrossed(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("The least is more than the most.")


class DefaultInvalid(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The default value is not one that the field takes.")


def page_terms_of(params: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> Json:
    """The keys of a link's `terms` that were sent; custom texts are put among those `known`."""
    said: Json = {
        name: params[name] for name in ("billing_address_collection", "payment_method_collection") if name in params
    }
    if "consent_collection" in params:
        said["consent_collection"] = {"terms_of_service": "none"} | params["consent_collection"]
    if "custom_fields" in params:
        said["custom_fields"] = _custom_fields(params["custom_fields"] or ())
    if "custom_text" in params:
        texts = {place: one["message"] if one else "" for place, one in params["custom_text"].items()}
        said["custom_text"] = {**(known or {}).get("custom_text", {}), **texts}
    if "phone_number_collection" in params:
        said["phone_number_collection"] = params["phone_number_collection"]["enabled"]
    return said


def line_terms_of(call: Call) -> list[Json]:
    """What is said of each line beside its price and quantity."""
    terms = []
    for number, line in enumerate(call.params.get("line_items", ())):
        where = f"line_items[{number}]"
        own: Json = {"tax_rate_ids": list(tax_rate_ids(call, line.get("tax_rates"), f"{where}[tax_rates]"))}
        if "adjustable_quantity" in line:
            own["adjustable_quantity"] = _bounds(line, where)
        elif any("adjustable_quantity" in one for one in call.params["line_items"]):
            own["adjustable_quantity"] = {"enabled": False, **_UNBOUNDED}
        terms.append(own)
    return terms


def _bounds(line: Mapping[str, Any], where: str) -> Json:
    own: Json = {**_UNBOUNDED, **line["adjustable_quantity"]}
    if not own["enabled"]:
        return own
    quantity = line.get("quantity", 1)
    if "maximum" not in line["adjustable_quantity"]:
        own["maximum"] = max(own["maximum"], quantity)
    if own["minimum"] > own["maximum"]:
        raise LengthsCrossed(param=f"{where}[adjustable_quantity][minimum]")
    if not own["minimum"] <= quantity <= own["maximum"]:
        name = f"{where}[quantity]"
        raise ParameterOutOfRange(param=name, name=name, least=own["minimum"], most=own["maximum"])
    return own


def _custom_fields(given: Sequence[Mapping[str, Any]]) -> list[Json]:
    kept: list[Json] = []
    for number, one in enumerate(given):
        where, kind = f"custom_fields[{number}]", one["type"]
        if not _KEY.fullmatch(one["key"]) or one["key"] in {other["key"] for other in kept}:
            raise KeyInvalid(param=f"{where}[key]")
        for name in ("dropdown", "numeric", "text"):
            if name in one and name != kind:
                raise FieldOfAnotherType(param=f"{where}[{name}]", type=kind, name=name)
        own = one.get(kind, {})
        _check_own(kind, own, f"{where}[{kind}]")
        kept.append(
            {
                "key": one["key"],
                "label": one["label"]["custom"],
                "optional": one.get("optional", False),
                "type": kind,
                kind: dict(own),
            }
        )
    return kept


def _check_own(kind: str, own: Mapping[str, Any], where: str) -> None:
    default = own.get("default_value")
    if kind == "dropdown":
        values = [option["value"] for option in own.get("options", ())]
        if not values:
            raise ParameterMissing(param=f"{where}[options]", name=f"{where}[options]")
        if len(set(values)) < len(values) or not all(_KEY.fullmatch(value) for value in values):
            raise KeyInvalid(param=f"{where}[options]")
        if default is not None and default not in values:
            raise DefaultInvalid(param=f"{where}[default_value]")
        return
    least, most = own.get("minimum_length", 0), own.get("maximum_length", LENGTH_MAX)
    if least > most:
        raise LengthsCrossed(param=f"{where}[minimum_length]")
    if default is not None and (
        not least <= len(default) <= most or (kind == "numeric" and not (default.isascii() and default.isdigit()))
    ):
        raise DefaultInvalid(param=f"{where}[default_value]")
