"""Explain an invoice: how each line came about and how the lines become what is due, in sentences."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing_site.commands import JsonCommand
from invoicing.models import Invoice
from invoicing.rules.explaining import explain_invoice
from invoicing.selectors import invoice_lines


class Command(JsonCommand):
    help = "Say in sentences how an invoice was worked out."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="the invoice's number or its id")
        parser.add_argument("--merchant", default="", help="the merchant's id, where several have that number")
        parser.add_argument("--locale", default="", help="en or fr; the invoice's own unless told")

    def run(self, **options: Any) -> dict[str, Any]:
        found = Invoice.objects.filter(number=options["number"]) | Invoice.objects.filter(id=options["number"])
        if options["merchant"]:
            found = found.filter(merchant_id=options["merchant"])
        invoices = list(found.select_related("merchant").order_by("merchant_id", "id")[:10])
        if not invoices:
            raise CommandError(f"there is no invoice {options['number']}")
        if len(invoices) > 1:
            owners = ", ".join(f"{one.merchant_id} ({one.merchant.name})" for one in invoices)
            raise CommandError(f"several merchants have an invoice {options['number']}; say --merchant: {owners}")
        [invoice] = invoices
        locale = options["locale"] or invoice.locale or "en"
        told = explain_invoice(invoice, invoice_lines(invoice), locale, invoice.merchant.timezone)
        return asdict(told) | {"id": invoice.id, "merchant": invoice.merchant_id, "total": invoice.total}

    def tell(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['number']}\n")
        if result["reason"]:
            self.stdout.write(f"  {result['reason']}")
        for line in result["lines"]:
            self.stdout.write(f"\n  {line['description']}")
            for sentence in line["sentences"]:
                self.stdout.write(f"    {sentence}")
        self.stdout.write("")
        for sentence in result["totals"]:
            self.stdout.write(f"  {sentence}")
