"""An id that is not here but in the merchant's other mode: the commonest mistake with keys, and so named."""

from __future__ import annotations

from core.errors import OstinatoError, gettext_noop
from events.models import Event
from merchants.models import Merchant


class ObjectInOtherMode(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop(
        "%(told)s; a similar object exists in %(there)s mode, but a %(here)s mode key was used to make this request."
    )


def named_by_mode(refusal: OstinatoError, merchant: Merchant) -> OstinatoError:
    """The refusal itself, or for a missing object that a sandbox or its live merchant has the one that says so."""
    missing = refusal.params.get("id")
    if refusal.code != "resource_missing" or not isinstance(missing, str) or not _is_elsewhere(missing, merchant):
        return refusal
    modes = ("live", "test") if merchant.livemode else ("test", "live")
    return ObjectInOtherMode(param=refusal.param, told=refusal.message, here=modes[0], there=modes[1])


def _is_elsewhere(object_id: str, merchant: Merchant) -> bool:
    """Whatever was made was told: one look by index, whatever kind of object it is."""
    if "\x00" in object_id:
        return False
    all_merchants = Merchant.objects.order_by()
    kin = (
        all_merchants.filter(parent_id=merchant.id)
        if merchant.livemode
        else all_merchants.filter(id=merchant.parent_id)
    )
    return Event.objects.filter(merchant_id__in=list(kin.values_list("id", flat=True)), object_id=object_id).exists()
