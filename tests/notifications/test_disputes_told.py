"""The merchant hears of a dispute: that it was opened, until when to answer, and how it ended."""

from datetime import timedelta

import pytest

from engine.services.disputes import close_dispute, run_disputes, submit_evidence
from engine.services.pay import pay_invoice
from events.models import Event
from notifications.consumers import EVENT_TYPES, queue_mails
from notifications.models import Message
from payments.models import Dispute
from tests.factories.customers import customer
from tests.factories.merchants import membership, merchant, user
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context
from tests.notifications.stories import told

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def disputed(locale: str = "en", card: str = "pm_card_createDispute") -> Dispute:
    """CA$42.00 of Zoé's, to be answered until 16 January."""
    shop = merchant(locale=locale)
    membership(merchant=shop, user=user(email="owner@erable.example"))
    invoice = open_invoice(customer=customer(merchant=shop, name="Zoé", payment_method=card), amount=4200)
    pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
    run_disputes(ctx=context(NEW_YEAR + DAY))
    return Dispute.objects.get()


def mails(dispute: Dispute) -> list[Message]:
    """What was said of it, in order; said once, however often it is told."""
    events = Event.objects.filter(type__in=EVENT_TYPES, object_id=dispute.id).order_by("object_version", "id")
    for event in [*events, *events]:
        heard = told(
            event.type, event.object_id, merchant=dispute.merchant, created=event.created, id=event.id, kind="dispute"
        )
        queue_mails(context(event.created), [heard])
    return list(Message.objects.filter(kind__startswith="dispute").order_by("created", "id"))


def ends(dispute: Dispute, end: str) -> None:
    at = context(NEW_YEAR + 2 * DAY)
    of_it = {"ctx": at, "merchant_id": dispute.merchant_id, "dispute_id": dispute.id}
    if end == "accepted":
        close_dispute(**of_it)
        return
    submit_evidence(**of_it, evidence={"uncategorized_text": end}, submit=True)
    run_disputes(ctx=context(NEW_YEAR + 3 * DAY))


@pytest.mark.parametrize(
    ("end", "heading", "said"),
    [
        ("winning_evidence", "You won the dispute over CA$42.00", "comes back to your balance"),
        ("losing_evidence", "The dispute over CA$42.00 is lost", "The invoice stays paid"),
        ("accepted", "The dispute over CA$42.00 is lost", "nothing more is refunded"),
    ],
)
def test_the_owner_hears_of_the_beginning_and_the_end(end, heading, said):
    dispute = disputed()
    [opened] = mails(dispute)
    assert (opened.to, opened.subject) == ("owner@erable.example", "Zoé disputes a payment of CA$42.00")
    assert "by January 16, 2024, or the money is lost" in opened.text
    assert f"/disputes/{dispute.id}/" in opened.text
    ends(dispute, end)
    closed = mails(dispute)[-1]
    assert (closed.kind, closed.subject) == ("dispute_closed", heading)
    assert said in closed.text
    assert len(mails(dispute)) == 2


def test_an_inquiry_is_no_dispute_and_says_that_nothing_is_held():
    dispute = disputed(card="pm_card_createDisputeInquiry")
    [opened] = mails(dispute)
    assert "Nothing is held" in opened.text
    assert "lost" not in opened.text
    ends(dispute, "accepted")
    assert mails(dispute)[-1].subject == "The bank's question about CA$42.00 is closed"


def test_a_merchant_who_writes_french_reads_french():
    dispute = disputed(locale="fr-ca")
    ends(dispute, "winning_evidence")
    assert mails(dispute)[-1].subject == "Vous avez gagné le litige de 42,00 $"
