"""What a payment link or one checkout session sells: prices and quantities, in one currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from catalog.models import PaymentLink, PaymentLinkItem, Price
from catalog.selectors import find, prices_by_id
from core.context import Context
from core.errors import OstinatoError, gettext_noop


class NothingToSell(OstinatoError):
    code = "parameter_missing"
    param = "line_items"
    message_id = gettext_noop("Choose at least one price.")


class MixedCurrencies(OstinatoError):
    code = "parameter_invalid"
    param = "line_items"
    message_id = gettext_noop("All prices of a payment link are in one currency.")


def sold_rows(merchant_id: str, items: Sequence[tuple[str, int]]) -> list[tuple[Price, int]]:
    """The prices of `items`, (price id, quantity) each. Raises `NotInCatalog`, `NothingToSell`, `MixedCurrencies`."""
    found = prices_by_id(merchant_id, [price_id for price_id, _ in items])
    rows = [
        (find(Price, merchant_id, price_id) if price_id not in found else found[price_id], n) for price_id, n in items
    ]
    if not rows:
        raise NothingToSell
    if len({price.currency for price, _ in rows}) > 1:
        raise MixedCurrencies
    return rows


def put_items(
    link: PaymentLink, rows: Sequence[tuple[Price, int]], line_terms: Sequence[Mapping[str, Any]] = ()
) -> None:
    """`line_terms` are {adjustable_quantity, tax_rate_ids} of each row, where anything was said of it."""
    said = [*line_terms, *([{}] * (len(rows) - len(line_terms)))]
    PaymentLinkItem.objects.bulk_create(
        PaymentLinkItem(
            merchant_id=link.merchant_id,
            payment_link=link,
            price=price,
            quantity=n,
            position=position,
            **said[position],
        )
        for position, (price, n) in enumerate(rows)
    )


def create_basket(
    *,
    ctx: Context,
    merchant_id: str,
    items: Sequence[tuple[str, int]],
    line_terms: Sequence[Mapping[str, Any]] = (),
    currency: str = "",
    **fields: Any,
) -> PaymentLink:
    """The basket of one checkout session: no public page, and nobody is told of it. Raises as `sold_rows`.

    With a `currency` it may be empty: nothing is sold, a way to pay is set up.
    """
    rows = sold_rows(merchant_id, items) if items or not currency else []
    with transaction.atomic():
        link = PaymentLink.objects.create(
            merchant_id=merchant_id,
            currency=rows[0][0].currency if rows else currency,
            one_visit=True,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **fields,
        )
        put_items(link, rows, line_terms)
    return link
