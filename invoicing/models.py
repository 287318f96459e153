"""The paper: number series, invoices, lines and their taxes, pending items, credit notes."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from invoicing.line_facts import LineFacts


class NumberSeries(models.Model):
    """Gapless numbers of a billing entity, or of one customer. `next_number` only goes up; locked last and by block."""

    id = models.TextField(primary_key=True, default=partial(new_id, "ns"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    billing_entity = models.ForeignKey("merchants.BillingEntity", on_delete=models.PROTECT, related_name="+")
    customer_id = models.TextField(blank=True, default="", db_collation="C")  # blank for the entity's own
    prefix = models.CharField(max_length=20)
    next_number = models.BigIntegerField(default=1)
    padding = models.PositiveSmallIntegerField(default=4)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "number series"
        constraints = [
            models.UniqueConstraint(
                name="one_series_per_entity", fields=["merchant", "billing_entity"], condition=Q(customer_id="")
            ),
            models.UniqueConstraint(
                name="one_series_per_customer", fields=["merchant", "customer_id"], condition=~Q(customer_id="")
            ),
            models.UniqueConstraint(name="series_prefix_once", fields=["merchant", "prefix"]),
        ]
        # Customers' series have their entity too: its own is found without passing them.
        indexes = [models.Index(name="series_of_entity", fields=["billing_entity"], condition=Q(customer_id=""))]


class InvoiceStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    OPEN = "open", _("open")
    PAID = "paid", _("paid")
    UNCOLLECTIBLE = "uncollectible", _("uncollectible")
    VOID = "void", _("void")


class BillingReason(models.TextChoices):
    SUBSCRIPTION_CREATE = "subscription_create", _("subscription created")
    SUBSCRIPTION_CYCLE = "subscription_cycle", _("renewal")
    SUBSCRIPTION_UPDATE = "subscription_update", _("subscription changed")
    SUBSCRIPTION_THRESHOLD = "subscription_threshold", _("usage threshold")
    MANUAL = "manual", _("one-off")


class Invoice(models.Model):
    """A bill. After finalization a trigger freezes amounts, lines, number and the legal snapshot."""

    id = models.TextField(primary_key=True, default=partial(new_id, "in"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey("customers.Customer", models.PROTECT, related_name="invoices", db_index=False)
    billing_entity = models.ForeignKey("merchants.BillingEntity", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(
        "subscriptions.Subscription", models.PROTECT, null=True, blank=True, related_name="invoices", db_index=False
    )
    status = models.CharField(max_length=14, choices=InvoiceStatus, default=InvoiceStatus.DRAFT)
    billing_reason = models.CharField(max_length=24, choices=BillingReason)
    collection_method = models.CharField(max_length=20, default="charge_automatically")
    currency = models.CharField(max_length=3)
    number_series_id = models.TextField(null=True, blank=True, db_collation="C")
    number_value = models.BigIntegerField(null=True, blank=True)
    number = models.CharField(max_length=40, null=True, blank=True)

    # Amounts, minor units.
    lines_gross = models.BigIntegerField(default=0)
    total_discount = models.BigIntegerField(default=0)
    credit_grants_applied = models.BigIntegerField(default=0)
    inclusive_tax_backed_out = models.BigIntegerField(default=0)  # exempt or reverse charge on an inclusive price
    inclusive_tax = models.BigIntegerField(default=0)  # inside the total, for information
    exclusive_tax = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    starting_balance = models.BigIntegerField(default=0)
    balance_applied = models.BigIntegerField(default=0)  # what is taken from (+) or moved to (-) the customer's credit
    amount_due = models.BigIntegerField(default=0)
    amount_paid = models.BigIntegerField(default=0)
    amount_remaining = models.BigIntegerField(default=0)
    pre_payment_credit_notes_amount = models.BigIntegerField(default=0)
    post_payment_credit_notes_amount = models.BigIntegerField(default=0)

    attempt_count = models.PositiveIntegerField(default=0)
    attempted = models.BooleanField(default=False)
    auto_advance = models.BooleanField(default=True)
    automatically_finalizes_at = models.DateTimeField(null=True, blank=True)
    next_payment_attempt = models.DateTimeField(null=True, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)
    due_date = models.DateTimeField(null=True, blank=True)
    overdue_since = models.DateTimeField(null=True, blank=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    finalized_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    marked_uncollectible_at = models.DateTimeField(null=True, blank=True)

    default_payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    default_tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    # Its own stack; None: the subscription's counts, else the customer's.
    discount_ids = ArrayField(models.TextField(), null=True, blank=True, default=None)
    payment_intent_id = models.TextField(blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    footer = models.TextField(blank=True, default="")
    custom_fields = models.JSONField(default=list, blank=True)  # [{"name": str, "value": str}], at most 4
    statement_descriptor = models.CharField(max_length=22, blank=True, default="")
    effective_at = models.DateTimeField(null=True, blank=True)  # the date printed; blank: the finalization's
    tax_rounding = models.CharField(max_length=12, default="per_invoice")
    locale = models.CharField(max_length=10, blank=True, default="")
    seller_snapshot = models.JSONField(default=dict, blank=True)  # legal name, address, registrations, brand
    customer_snapshot = models.JSONField(default=dict, blank=True)  # name, e-mail, address, tax ids, exemption
    hosted_token = models.TextField(blank=True, default="")  # unguessable part of the hosted page's URL
    pdf = models.FileField(upload_to="invoices/", blank=True, default="")
    pdf_sha256 = models.CharField(max_length=64, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    subscription_metadata = models.JSONField(default=dict, blank=True)  # the subscription's, as it was drafted
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invoice_adds_up",
                condition=Q(
                    total=F("lines_gross")
                    - F("total_discount")
                    - F("credit_grants_applied")
                    - F("inclusive_tax_backed_out")
                    + F("exclusive_tax")
                ),
            ),
            models.CheckConstraint(
                name="invoice_remaining_adds_up",
                condition=Q(amount_remaining=F("amount_due") - F("amount_paid") - F("pre_payment_credit_notes_amount")),
            ),
            models.CheckConstraint(
                name="invoice_due_from_total_and_balance",
                condition=Q(status="draft") | Q(amount_due=F("total") - F("balance_applied")),
            ),
            models.CheckConstraint(
                name="invoice_nothing_negative_is_due", condition=Q(amount_due__gte=0, amount_remaining__gte=0)
            ),
            models.CheckConstraint(
                name="invoice_numbered_when_finalized",
                condition=Q(status="draft", number__isnull=True, number_value__isnull=True)
                | ~Q(status="draft") & Q(number__isnull=False, number_value__isnull=False, finalized_at__isnull=False),
            ),
            models.CheckConstraint(
                name="invoice_paid_has_nothing_left", condition=~Q(status="paid") | Q(amount_remaining=0)
            ),
            models.CheckConstraint(
                name="invoice_credited_at_most_its_total",
                condition=Q(pre_payment_credit_notes_amount=0, post_payment_credit_notes_amount=0)
                | Q(
                    pre_payment_credit_notes_amount__gte=0,
                    post_payment_credit_notes_amount__gte=0,
                    total__gte=F("pre_payment_credit_notes_amount") + F("post_payment_credit_notes_amount"),
                ),
            ),
            models.CheckConstraint(
                name="invoice_grants_take_at_most_the_lines", condition=Q(credit_grants_applied__gte=0)
            ),
            models.UniqueConstraint(
                name="invoice_number_once", fields=["merchant", "number_series_id", "number_value"]
            ),
            models.UniqueConstraint(
                name="invoice_hosted_token_once", fields=["merchant", "hosted_token"], condition=~Q(hosted_token="")
            ),
        ]
        indexes = [
            models.Index(
                name="invoice_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="invoice_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
            models.Index(name="invoice_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="invoice_by_customer", fields=["customer", "-created"]),
            models.Index(name="invoice_by_subscription", fields=["subscription", "-created"]),
            models.Index(name="invoice_by_number", fields=["merchant", "number"]),
            # The hosted page's address holds the token alone.
            models.Index(name="invoice_by_hosted_token", fields=["hosted_token"], condition=~Q(hosted_token="")),
        ]

    def __str__(self) -> str:
        return self.number or self.id


class InvoiceLine(LineFacts, models.Model):
    """One line. `amount` is gross of discounts; `explanation` keeps how it came about."""

    id = models.TextField(primary_key=True, default=partial(new_id, "il"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    invoice = models.ForeignKey(Invoice, models.PROTECT, db_constraint=False, related_name="lines", db_index=False)
    position = models.PositiveIntegerField(default=0)
    type = models.CharField(max_length=12)  # subscription, invoiceitem
    description = models.TextField(blank=True, default="")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    discount_amount = models.BigIntegerField(default=0)
    discount_amounts = models.JSONField(default=list, blank=True)  # [{"discount": id, "amount": int}]
    credit_amounts = models.JSONField(default=list, blank=True)  # [{"credit_grant": id, "amount": int}]
    quantity = models.BigIntegerField(default=1)  # usage is counted in billions
    unit_amount_decimal = models.DecimalField(max_digits=30, decimal_places=12, null=True, blank=True)
    price_id = models.TextField(blank=True, default="", db_collation="C")
    product_id = models.TextField(blank=True, default="", db_collation="C")
    subscription_id = models.TextField(blank=True, default="", db_collation="C")
    subscription_item_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_item_id = models.TextField(blank=True, default="", db_collation="C")
    billed_period_id = models.TextField(blank=True, default="", db_collation="C")  # the debit this line shows
    credited_billed_period_id = models.TextField(blank=True, default="", db_collation="C")
    proration = models.BooleanField(default=False)
    discountable = models.BooleanField(default=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    explanation = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="line_by_invoice", fields=["invoice", "position"])]


class InvoiceLineTax(models.Model):
    """One rate's tax on one line."""

    id = models.TextField(primary_key=True, default=partial(new_id, "ilt"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="line_taxes")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, db_constraint=False, related_name="taxes")
    tax_rate_id = models.TextField(blank=True, default="", db_collation="C")
    display_name = models.CharField(max_length=50)
    percentage = models.DecimalField(max_digits=7, decimal_places=4)
    inclusive = models.BooleanField()
    taxable_amount = models.BigIntegerField()
    amount = models.BigIntegerField()
    taxability_reason = models.CharField(max_length=40, default="standard_rated")
    recorded_at = models.DateTimeField()


class InvoiceItem(models.Model):
    """What is owed and waits for an invoice (`invoice_id` blank): one-off amounts and prorations."""

    id = models.TextField(primary_key=True, default=partial(new_id, "ii"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="invoice_items")
    subscription = models.ForeignKey(
        "subscriptions.Subscription", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    subscription_item_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()  # net of `discount_amounts` when these are given (prorations)
    discount_amounts = models.JSONField(default=list, blank=True)
    discount_ids = ArrayField(models.TextField(), default=list, blank=True)  # its own, taken once it is on an invoice
    quantity = models.BigIntegerField(default=1)
    unit_amount_decimal = models.DecimalField(max_digits=30, decimal_places=12, null=True, blank=True)
    price_id = models.TextField(blank=True, default="", db_collation="C")
    product_id = models.TextField(blank=True, default="", db_collation="C")
    proration = models.BooleanField(default=False)
    discountable = models.BooleanField(default=True)
    tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    taxes = models.JSONField(null=True, blank=True)  # a credit reuses the taxes of what it credits
    billed_period_id = models.TextField(blank=True, default="", db_collation="C")
    credited_billed_period_id = models.TextField(blank=True, default="", db_collation="C")
    held_for_invoice_id = models.TextField(blank=True, default="", db_collation="C")
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    explanation = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                name="invoice_item_pending",
                fields=["merchant", "customer"],
                condition=Q(invoice_id="", deleted_at__isnull=True),
            ),
            models.Index(
                name="invoice_item_held", fields=["held_for_invoice_id"], condition=~Q(held_for_invoice_id="")
            ),
        ]


class CreditNoteStatus(models.TextChoices):
    ISSUED = "issued", _("issued")
    VOID = "void", _("void")


class CreditNote(models.Model):
    """What is taken back of an invoice. A trigger holds the invoice's two sums to those of its issued notes.

    total = pre_payment_amount (lowers what is due) + post_payment_amount (was paid: refunded, to the balance, or
    given back another way).
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "cn"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    sequence = models.PositiveIntegerField(default=1)  # of its invoice
    number = models.CharField(max_length=60)
    status = models.CharField(max_length=6, choices=CreditNoteStatus, default=CreditNoteStatus.ISSUED)
    type = models.CharField(max_length=12, default="pre_payment")  # pre_payment, post_payment, mixed
    reason = models.CharField(max_length=24, blank=True, default="")
    memo = models.TextField(blank=True, default="")
    currency = models.CharField(max_length=3)
    subtotal = models.BigIntegerField(default=0)  # gross of discounts
    taken = models.BigIntegerField(default=0)  # discounts, credit grants and inclusive tax backed out
    inclusive_tax = models.BigIntegerField(default=0)
    exclusive_tax = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    pre_payment_amount = models.BigIntegerField(default=0)
    post_payment_amount = models.BigIntegerField(default=0)
    refund_amount = models.BigIntegerField(default=0)
    credit_amount = models.BigIntegerField(default=0)
    out_of_band_amount = models.BigIntegerField(default=0)
    refund_ids = ArrayField(models.TextField(), default=list, blank=True)
    refund_amounts = ArrayField(models.BigIntegerField(), default=list, blank=True)  # of those refunds, in their order
    balance_transaction_id = models.TextField(blank=True, default="", db_collation="C")
    voided_at = models.DateTimeField(null=True, blank=True)
    effective_at = models.DateTimeField(null=True, blank=True)  # the date printed; blank: `created`
    pdf = models.FileField(upload_to="credit_notes/", blank=True, default="")
    pdf_sha256 = models.CharField(max_length=64, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="credit_note_number_once", fields=["merchant", "invoice", "sequence"]),
            models.CheckConstraint(
                name="credit_note_adds_up",
                condition=Q(total=F("subtotal") - F("taken") + F("exclusive_tax"))
                & Q(total=F("pre_payment_amount") + F("post_payment_amount")),
            ),
            models.CheckConstraint(
                name="credit_note_gives_back_what_was_paid",
                condition=Q(
                    pre_payment_amount__gte=0,
                    refund_amount__gte=0,
                    credit_amount__gte=0,
                    out_of_band_amount__gte=0,
                    post_payment_amount=F("refund_amount") + F("credit_amount") + F("out_of_band_amount"),
                ),
            ),
        ]
        indexes = [models.Index(name="credit_note_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.number


class CreditNoteLine(models.Model):
    """One line given back; amounts are positive. `taxes` are parts of the credited line's, as a debit keeps them."""

    id = models.TextField(primary_key=True, default=partial(new_id, "cnli"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    credit_note = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    invoice_line_id = models.TextField(blank=True, default="", db_collation="C")  # blank: a line of its own
    position = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True, default="")
    quantity = models.IntegerField(default=1)
    unit_amount = models.DecimalField(max_digits=30, decimal_places=12, null=True, blank=True)  # of a line of its own
    amount = models.BigIntegerField()
    taken = models.BigIntegerField(default=0)
    exclusive_tax = models.BigIntegerField(default=0)
    taxes = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="credit_note_line_gives_back",
                condition=Q(amount__gte=F("taken"), taken__gte=0, exclusive_tax__gte=0),
            )
        ]
