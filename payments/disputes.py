"""Disputes as their processor tells of them: written down, and moved forward only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments import writes as payments
from payments.events import told
from payments.models import Charge, Dispute, EvidenceFile
from payments.movements import mirror_movements, movements_of
from payments.rules import MONEY_AT_BANK, dispute_moves_forward
from payments.snapshots import dispute_snapshot
from payments.types import EVIDENCE_FILES, DisputeFacts


class DisputeNotFound(OstinatoError):
    code = "resource_missing"
    param = "dispute"
    message_id = gettext_noop("There is no such dispute.")


def disputes(merchant_id: str) -> QuerySet[Dispute]:
    """The merchant's, the latest first."""
    return Dispute.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def dispute_by_id(merchant_id: str, dispute_id: str) -> Dispute:
    """One dispute. Raises `DisputeNotFound`, for another merchant's too."""
    found = disputes(merchant_id).filter(id=dispute_id).first()
    if found is None:
        raise DisputeNotFound
    return found


CLOSED = ("won", "lost", "warning_closed", "prevented")


def store_dispute(ctx: Context, charge_id: str, facts: DisputeFacts) -> Dispute:
    """The dispute of this charge as `facts` tell; told twice it is the same, told late it does not go back."""
    with transaction.atomic(durable=True):
        charge = payments.lock_charges([charge_id])[charge_id]
        known = Dispute.objects.select_for_update(no_key=True).filter(
            merchant_id=charge.merchant_id, gateway=charge.gateway, gateway_dispute_id=facts.gateway_dispute_id
        )
        dispute = known.first()
        if dispute is None:
            dispute = _insert(ctx, charge, facts)
            _mirror(ctx, dispute, facts)
            if not charge.disputed:
                payments.mark_disputed(charge_id)
            taken = ["funds_withdrawn"] if dispute.status in MONEY_AT_BANK else []
            _tell(ctx, dispute, ["created", *taken], None)
        else:
            _mirror(ctx, dispute, facts)
            _update(ctx, charge, dispute, facts)
    return dispute


def describe_dispute(*, ctx: Context, merchant_id: str, dispute_id: str, metadata: Mapping[str, str]) -> Dispute:
    """Set `metadata` (whole). Raises `DisputeNotFound`."""
    with transaction.atomic():
        rows = Dispute.objects.select_for_update(no_key=True)
        dispute = rows.filter(merchant_id=merchant_id, id=dispute_id).first()
        if dispute is None:
            raise DisputeNotFound
        before = dispute.metadata
        if before != metadata:
            dispute.metadata = dict(metadata)
            dispute.version += 1
            dispute.save(update_fields=["metadata", "version"])
            _tell(ctx, dispute, ["updated"], {"metadata": before})
    return dispute


def _mirror(ctx: Context, dispute: Dispute, facts: DisputeFacts) -> None:
    """What the dispute moved is known with it, not hours later with the rest of the balance."""
    mirror_movements(ctx, dispute.merchant_id, dispute.gateway, facts.movements)


def _insert(ctx: Context, charge: Any, facts: DisputeFacts) -> Dispute:
    return Dispute.objects.create(
        merchant_id=charge.merchant_id,
        charge_id=charge.id,
        customer_id=charge.customer_id,
        payment_intent_id=charge.payment_intent_id,
        invoice_id=charge.invoice_id,
        gateway=charge.gateway,
        gateway_dispute_id=facts.gateway_dispute_id,
        currency=facts.currency,
        test_clock_id=charge.test_clock_id,
        created=facts.created if charge.test_clock_id is None else ctx.as_of,
        recorded_at=ctx.recorded_at,
        **_moving(ctx, charge, facts, None),
    )


def _update(ctx: Context, charge: Any, dispute: Dispute, facts: DisputeFacts) -> None:
    if not dispute_moves_forward(dispute.status, facts.status):
        return
    values = _moving(ctx, charge, facts, dispute)
    if values["next_action_at"] != dispute.next_action_at:  # ours alone: nothing to tell
        Dispute.objects.filter(id=dispute.id).update(next_action_at=values["next_action_at"])
        dispute.next_action_at = values["next_action_at"]
    changed = {name: getattr(dispute, name) for name, value in values.items() if getattr(dispute, name) != value}
    if not changed:
        return
    for name, value in values.items():
        setattr(dispute, name, value)
    dispute.version += 1
    dispute.save(update_fields=[*values, "version"])
    before = {"status": changed["status"]} if "status" in changed else None
    kinds = ["closed" if before and dispute.status in CLOSED else "updated"]
    moved = _money_moved(changed.get("status", dispute.status), dispute.status)
    _tell(ctx, dispute, [*kinds, moved] if moved else kinds, before)


def _money_moved(before: str, after: str) -> str:
    """Whether the bank took the money, or gave it back, at this step."""
    if before not in MONEY_AT_BANK and after in MONEY_AT_BANK:
        return "funds_withdrawn"
    return "funds_reinstated" if before in MONEY_AT_BANK and after == "won" else ""


def money_at_bank(charge_ids: Iterable[str]) -> set[str]:
    """Those of the charges whose money a bank took back because of a dispute. One query."""
    rows = Dispute.objects.filter(charge_id__in=set(charge_ids), status__in=MONEY_AT_BANK, is_charge_refundable=False)
    return set(rows.values_list("charge_id", flat=True))


def _moving(ctx: Context, charge: Any, facts: DisputeFacts, before: Dispute | None) -> dict[str, Any]:
    submitted = before.evidence_submitted_at if before else None
    closed = before.closed_at if before else None
    return {
        "status": facts.status,
        "reason": facts.reason,
        "network_reason_code": facts.network_reason_code,
        "amount": facts.amount,
        "is_charge_refundable": facts.is_charge_refundable,
        "evidence": _in_our_words(charge, facts.evidence),
        "evidence_due_by": facts.evidence_due_by,
        "evidence_submitted_at": submitted or (ctx.as_of if facts.submission_count else None),
        "evidence_past_due": facts.past_due,
        "submission_count": facts.submission_count,
        "next_action_at": facts.moves_at,
        "closed_at": closed or (ctx.as_of if facts.status in CLOSED else None),
    }


def in_their_words(dispute: Dispute, evidence: Mapping[str, str]) -> dict[str, str]:
    """Evidence as its processor reads it: another charge and files of ours by the ids that they have there."""
    theirs = files_handed_over(dispute, (evidence.get(name, "") for name in EVIDENCE_FILES))
    said = {name: theirs.get(text, text) if name in EVIDENCE_FILES else text for name, text in evidence.items()}
    other = _charges_like(dispute).filter(id=said.get("duplicate_charge_id", "")).exclude(gateway_charge_id="").first()
    if other is not None:
        said["duplicate_charge_id"] = other.gateway_charge_id
    return said


def _in_our_words(charge: Any, evidence: Mapping[str, str]) -> dict[str, str]:
    files = {evidence[name] for name in EVIDENCE_FILES if name in evidence}
    ours = _handed_over(charge, gateway_file_id__in=files).values_list("gateway_file_id", "file_id") if files else ()
    known = dict(ours)  # what was uploaded on the processor's own pages stays what it is there
    said = {name: known.get(text, text) if name in EVIDENCE_FILES else text for name, text in evidence.items()}
    if "duplicate_charge_id" in said:
        other = _charges_like(charge).filter(gateway_charge_id=said["duplicate_charge_id"]).first()
        said["duplicate_charge_id"] = other.id if other else said["duplicate_charge_id"]
    return said


def files_handed_over(dispute: Dispute, file_ids: Iterable[str]) -> dict[str, str]:
    """What the dispute's processor calls those of the files that it has, by our ids. One query."""
    wanted = set(file_ids) - {""}
    return dict(_handed_over(dispute, file_id__in=wanted).values_list("file_id", "gateway_file_id")) if wanted else {}


def note_handed_over(ctx: Context, dispute: Dispute, file_id: str, gateway_file_id: str) -> None:
    """The processor has the file. Noted twice, the first stands."""
    row = EvidenceFile(
        merchant_id=dispute.merchant_id,
        file_id=file_id,
        gateway=dispute.gateway,
        gateway_file_id=gateway_file_id,
        recorded_at=ctx.recorded_at,
    )
    EvidenceFile.objects.bulk_create([row], ignore_conflicts=True)


def _handed_over(row: Any, **which: Any) -> QuerySet[EvidenceFile]:
    return EvidenceFile.objects.filter(merchant_id=row.merchant_id, gateway=row.gateway, **which)


def _charges_like(row: Any) -> QuerySet[Charge]:
    return Charge.objects.filter(merchant_id=row.merchant_id, gateway=row.gateway, customer_id=row.customer_id)


def _tell(ctx: Context, dispute: Dispute, kinds: Sequence[str], previous: dict[str, Any] | None) -> None:
    keeps = Merchant.objects.values_list("keep_event_bodies", flat=True).get(id=dispute.merchant_id)
    moved = movements_of(dispute.merchant_id, [dispute.id]).get(dispute.id, [])
    rows = [
        EventRow(
            merchant_id=dispute.merchant_id,
            type=f"charge.dispute.{kind}",
            object_type="dispute",
            object_id=dispute.id,
            object_version=dispute.version,
            customer_id=dispute.customer_id,
            previous_attributes=previous,
            test_clock_id=dispute.test_clock_id,
            body=dispute_snapshot(dispute, moved),
        )
        for kind in kinds
    ]
    record_events(ctx, [told(row, keeps) for row in rows])
