"""Disputes: what is said against one, and, in a sandbox, what its bank says in its own time.

A real processor tells of a dispute by itself (`engine.services.applying`); a sandbox is asked on the business clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.services.sending import call_of
from engine.types import RunReport
from merchants.files import FileExpired, file_content, files_by_id
from merchants.models import File
from payments.disputes import dispute_by_id, files_handed_over, in_their_words, note_handed_over, store_dispute
from payments.gateways import gateway_named
from payments.gateways.sandbox import SandboxGateway
from payments.models import Charge, Dispute, PaymentIntent
from payments.types import EVIDENCE, EVIDENCE_FILES, DisputeFacts

Row = TypeVar("Row", bound=Model)
ASK_AGAIN = timedelta(days=1)

MOST_CHARACTERS = 150_000  # Stripe's, of all together
ANSWERABLE = ("needs_response", "warning_needs_response")


class EvidenceUnknown(OstinatoError):
    code = "parameter_unknown"
    param = "evidence"
    message_id = gettext_noop("“%(name)s” is no kind of evidence.")


class EvidenceTooLong(OstinatoError):
    code = "parameter_invalid_string"
    param = "evidence"
    message_id = gettext_noop("The evidence has more than %(most)s characters.")


class EvidenceMissing(OstinatoError):
    code = "parameter_missing"
    param = "evidence"
    message_id = gettext_noop("There is nothing to submit yet.")


class EvidenceFileNotFound(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such file upload: '%(id)s'")


class EvidenceFilePurpose(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A file that was uploaded for “%(purpose)s” is no evidence of this kind.")


class DisputeNotAnswerable(OstinatoError):
    code = "dispute_closed"
    param = "dispute"
    message_id = gettext_noop("This dispute cannot be answered any more.")


def submit_evidence(
    *, ctx: Context, merchant_id: str, dispute_id: str, evidence: Mapping[str, str], submit: bool
) -> Dispute:
    """Keep evidence at the processor, and with `submit` hand it in: Stripe lets that be done once.

    A blank text takes back what was kept of its kind; what is a file is told by the file's id.

    Raises `DisputeNotFound`, `DisputeNotAnswerable`, `EvidenceUnknown`, `EvidenceTooLong`, `EvidenceMissing`,
    `EvidenceFileNotFound`, `EvidenceFilePurpose`, `FileExpired`, `FileDamaged`, `GatewayRefused`.
    """
    dispute = dispute_by_id(merchant_id, dispute_id)
    if dispute.status not in ANSWERABLE or (dispute.evidence_due_by and dispute.evidence_due_by <= ctx.as_of):
        raise DisputeNotAnswerable
    _check(dispute, evidence, submit)
    _hand_over_files(ctx, dispute, _checked_files(ctx, dispute, evidence))
    answer = gateway_named(dispute.gateway).submit_evidence(
        call_of(ctx, merchant_id, f"{dispute.id}/evidence/{ctx.idempotency_key or ctx.recorded_at.isoformat()}"),
        dispute.gateway_dispute_id,
        in_their_words(dispute, evidence),
        submit=submit,
    )
    return store_dispute(ctx, dispute.charge_id, answer)


def close_dispute(*, ctx: Context, merchant_id: str, dispute_id: str) -> Dispute:
    """Accept it: what the bank took is lost for good, an inquiry is closed. The invoice stays paid, as Stripe's does.

    Raises `DisputeNotFound`, `DisputeNotAnswerable`, `GatewayRefused`.
    """
    dispute = dispute_by_id(merchant_id, dispute_id)
    if dispute.status not in ANSWERABLE:
        raise DisputeNotAnswerable
    answer = gateway_named(dispute.gateway).close_dispute(
        call_of(ctx, merchant_id, f"{dispute.id}/close"), dispute.gateway_dispute_id
    )
    return store_dispute(ctx, dispute.charge_id, answer)


def _check(dispute: Dispute, evidence: Mapping[str, str], submit: bool) -> None:
    unknown = next((name for name in evidence if name not in EVIDENCE + EVIDENCE_FILES), None)
    if unknown is not None:
        raise EvidenceUnknown(name=unknown, param=f"evidence[{unknown}]")
    together = {**dispute.evidence, **evidence}
    if sum(len(text) for text in together.values()) > MOST_CHARACTERS:
        raise EvidenceTooLong(most=MOST_CHARACTERS)
    if submit and not any(text.strip() for text in together.values()):
        raise EvidenceMissing


def _checked_files(ctx: Context, dispute: Dispute, evidence: Mapping[str, str]) -> dict[str, File]:
    """The files that are new to the dispute, by id: the merchant's own, meant as evidence, and still there."""
    named = {name: evidence[name] for name in EVIDENCE_FILES if evidence.get(name)}
    new = {name: file_id for name, file_id in named.items() if dispute.evidence.get(name) != file_id}
    files = files_by_id(dispute.merchant_id, list(new.values()))
    for name, file_id in new.items():
        param = f"evidence[{name}]"
        if file_id not in files:
            raise EvidenceFileNotFound(id=file_id[:100], param=param)
        if files[file_id].purpose not in ("dispute_evidence", name):
            raise EvidenceFilePurpose(purpose=files[file_id].purpose, param=param)
        if files[file_id].is_over(ctx.recorded_at):
            raise FileExpired(name=files[file_id].filename, param=param)
    return files


def _hand_over_files(ctx: Context, dispute: Dispute, files: Mapping[str, File]) -> None:
    """Upload what the processor does not have yet. A file that got no answer is uploaded again under the same key."""
    there = files_handed_over(dispute, files)
    for file_id in sorted(files.keys() - there.keys()):
        file = files[file_id]
        gateway_file_id = gateway_named(dispute.gateway).upload_evidence(
            call_of(ctx, dispute.merchant_id, f"{file_id}/evidence"),
            file.filename,
            file_content(file, at=ctx.recorded_at),
        )
        note_handed_over(ctx, dispute, file_id, gateway_file_id)


def run_disputes(*, ctx: Context, clock_id: str | None = None, limit: int = 1_000) -> RunReport:
    """Ask the sandbox about charges that its cardholders dispute, and about disputes whose day has come.

    What a worker that dies leaves is asked about again a day later.
    """
    with transaction.atomic(durable=True):
        charges = list(_claimed(Charge.objects.filter(status="succeeded"), ctx, clock_id, limit))
        disputes = list(_claimed(Dispute.objects.all(), ctx, clock_id, limit))
    intents = PaymentIntent.objects.in_bulk({charge.payment_intent_id for charge in charges})
    sandbox = SandboxGateway()
    for charge in charges:
        call = call_of(ctx, charge.merchant_id, f"{charge.id}/disputes")
        for facts in sandbox.disputes_of(call, intents[charge.payment_intent_id].gateway_intent_id):
            store_dispute(ctx, charge.id, facts)
    Charge.objects.filter(id__in=[charge.id for charge in charges]).update(next_action_at=None)
    for dispute in disputes:
        store_dispute(ctx, dispute.charge_id, _look(ctx, dispute))
    done = len(charges) + len(disputes)
    return RunReport(chunks=1 if done else 0, done=done, more=max(len(charges), len(disputes)) == limit)


def _claimed(rows: QuerySet[Row], ctx: Context, clock_id: str | None, limit: int) -> Sequence[Row]:
    """What is due, postponed: the answer says when to look again."""
    due = rows.filter(gateway="sandbox", next_action_at__lte=ctx.as_of, test_clock_id=clock_id)
    found = list(due.order_by("next_action_at", "id").select_for_update(skip_locked=True, no_key=True)[:limit])
    rows.filter(pk__in=[row.pk for row in found]).update(next_action_at=ctx.as_of + ASK_AGAIN)
    return found


def _look(ctx: Context, dispute: Dispute) -> DisputeFacts:
    call = call_of(ctx, dispute.merchant_id, f"{dispute.id}/look")
    return gateway_named(dispute.gateway).read_dispute(call, dispute.gateway_dispute_id)
