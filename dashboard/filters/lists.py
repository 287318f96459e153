"""One filter bar per list."""

from django.db.models import Func, QuerySet, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from catalog.models import Coupon, CouponDuration, PaymentLink, Product, TaxRate
from customers.models import Customer, TestClock
from dashboard.filters.base import ListFilter, choice, date_from, date_to, yes_no
from engine.models import BillingRun, Refusal, RefusalStatus
from events.models import Event
from invoicing.models import BillingReason, Invoice, InvoiceStatus
from invoicing.rules.transfers import OF_NUMBER, number_of_reference
from notifications.models import Message, MessageStatus
from payments.models import PaymentIntent, PaymentIntentStatus
from subscriptions.models import CollectionMethod, Subscription, SubscriptionStatus


class CustomerFilter(ListFilter):
    search_fields = ("name", "email")
    placeholder = _("Name, e-mail or id")
    delinquent = yes_no(_("Payment state"), _("Past due"), _("In good standing"))
    subscribed = yes_no(_("Subscription"), _("Subscribed"), _("Not subscribed"), field_name="live_subscriptions")
    since = date_from()
    until = date_to()

    class Meta:
        model = Customer
        fields: list[str] = []


class SubscriptionFilter(ListFilter):
    search_fields = ("customer__name", "customer__email")
    placeholder = _("Customer or id")
    status = choice(_("Status"), SubscriptionStatus.choices)
    collection_method = choice(_("Collection"), CollectionMethod.choices)
    ending = yes_no(_("Ending"), _("Ends at the period's end"), _("Goes on"), field_name="cancel_at_period_end")
    since = date_from()
    until = date_to()

    class Meta:
        model = Subscription
        fields: list[str] = []


class InvoiceFilter(ListFilter):
    search_fields = ("number", "customer__name", "customer__email")
    placeholder = _("Number, reference, customer or id")
    status = choice(_("Status"), InvoiceStatus.choices)
    billing_reason = choice(_("Reason"), BillingReason.choices)
    since = date_from()
    until = date_to()

    def search(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """A transfer's reference, as the bank shows it, finds its invoice."""
        known = number_of_reference(value)
        if not known:
            return super().search(queryset, name, value)
        plain = Func(Upper("number"), Value("[^A-Z0-9]"), Value(""), Value("g"), function="REGEXP_REPLACE")
        match = "endswith" if len(known) == OF_NUMBER else "exact"
        return queryset.alias(plain_number=plain).filter(**{f"plain_number__{match}": known})

    class Meta:
        model = Invoice
        fields: list[str] = []


class PaymentFilter(ListFilter):
    search_fields = ("customer__name", "customer__email", "invoice__number")
    placeholder = _("Customer, invoice or id")
    status = choice(_("Status"), PaymentIntentStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = PaymentIntent
        fields: list[str] = []


class ProductFilter(ListFilter):
    search_fields = ("name", "sku")
    placeholder = _("Name, SKU or id")
    active = yes_no(_("Status"), _("Active"), _("Archived"))

    class Meta:
        model = Product
        fields: list[str] = []


class CouponFilter(ListFilter):
    search_fields = ("name", "api_id", "promotion_codes__code")
    placeholder = _("Name or code")
    duration = choice(_("Duration"), CouponDuration.choices)

    class Meta:
        model = Coupon
        fields: list[str] = []


class TaxRateFilter(ListFilter):
    search_fields = ("display_name", "description", "country")
    active = yes_no(_("Status"), _("Active"), _("Archived"))

    class Meta:
        model = TaxRate
        fields: list[str] = []


class PaymentLinkFilter(ListFilter):
    search_fields = ("name", "items__price__product__name")
    active = yes_no(_("Status"), _("Active"), _("Archived"))

    class Meta:
        model = PaymentLink
        fields: list[str] = []


class EventFilter(ListFilter):
    search_fields = ("type", "object_id", "customer_id", "actor", "request_id")
    placeholder = _("Type, object or request id")
    since = date_from()
    until = date_to()

    class Meta:
        model = Event
        fields: list[str] = []


class MessageFilter(ListFilter):
    search_fields = ("to", "subject")
    placeholder = _("Address or subject")
    status = choice(_("Status"), MessageStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = Message
        fields: list[str] = []


RUN_KINDS = (
    ("renewal", _("Renewal")),
    ("finalization", _("Finalization")),
    ("collection", _("Collection")),
    ("overdue", _("Overdue")),
    ("grant_expiry", _("Credits that expire")),
    ("quote_expiry", _("Quotes that expire")),
)
REFUSAL_KINDS = (*RUN_KINDS[:2], ("schedule", _("Schedule")), *RUN_KINDS[2:])


class RunFilter(ListFilter):
    search_fields = ("worker",)
    kind = choice(_("Kind"), RUN_KINDS)

    class Meta:
        model = BillingRun
        fields: list[str] = []


class RefusalFilter(ListFilter):
    search_fields = ("code", "object_id", "message")
    status = choice(_("Status"), RefusalStatus.choices)
    kind = choice(_("Kind"), REFUSAL_KINDS)

    class Meta:
        model = Refusal
        fields: list[str] = []


class TestClockFilter(ListFilter):
    __test__ = False

    search_fields = ("name",)

    class Meta:
        model = TestClock
        fields: list[str] = []
