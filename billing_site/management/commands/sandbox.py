"""Make an empty sandbox merchant with an API key: a clean place for an SDK, in one line of JSON."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from api.keys import create_api_key
from billing_site.commands import JsonCommand
from core.context import Context
from core.ids import new_id
from engine.services.merchants import NewMerchant, create_lone_sandbox, create_sandbox
from merchants.models import Merchant


class Command(JsonCommand):
    help = "Make an empty sandbox merchant and print its secret key (which nothing shows again) and the API's address."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="Sandbox")
        parser.add_argument("--country", default="US")
        parser.add_argument("--currency", default="usd", help="the default currency of a sandbox without a live parent")

    def run(self, **options: Any) -> dict[str, Any]:
        now = timezone.now()
        ctx = Context(as_of=now, recorded_at=now, actor="system", request_id=new_id("req"))
        with transaction.atomic():
            merchant = self._merchant(ctx, options)
            _, secret = create_api_key(ctx=ctx, merchant_id=merchant.id, livemode=False, name="manage.py sandbox")
        return {"secret_key": secret, "base_url": settings.SITE_URL, "account": merchant.id}

    def _merchant(self, ctx: Context, options: dict[str, Any]) -> Merchant:
        """A child of the one live merchant; alone where there is none, or more than one to choose from."""
        live = list(Merchant.objects.filter(livemode=True).order_by("id")[:2])
        if len(live) == 1:
            return create_sandbox(ctx=ctx, parent_id=live[0].id, name=options["name"])
        request = NewMerchant(
            name=options["name"],
            country=options["country"],
            default_currency=options["currency"],
            number_prefix="TEST",
        )
        return create_lone_sandbox(ctx=ctx, request=request)

    def tell(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"secret key   {result['secret_key']}")
        self.stdout.write(f"base URL     {result['base_url']}")
