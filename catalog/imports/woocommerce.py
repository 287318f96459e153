"""WooCommerce's product export, read into products and prices. Pure: no database, no clock.

1. Every row becomes a record: its cells are checked, each fault is kept with its line and column.
2. Variations are gathered under their variable product: one product, one price for each variation.
3. Whatever else carries a price (simple, external, WooCommerce Subscriptions' own types) is a product with one.

A shop's price has no rhythm: the options say how often it recurs, unless the row is a subscription of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from catalog.imports import cells
from catalog.imports.html_text import html_to_text
from catalog.imports.reading import Layout, RawRow, Table, read_table
from catalog.imports.types import ImportedPrice, ImportedProduct, ImportOptions, Note, ParsedExport, Problem
from catalog.rules import TRIAL_DAYS_MAX
from core.errors import OstinatoError, gettext_noop
from core.periods import Interval

T = TypeVar("T")

SOURCE = "woocommerce"
MAX_ROWS = 500_000
NAME_MAX = 250
SKU_MAX = 100
METADATA_MAX = 500

SIMPLE, VARIABLE, VARIATION, GROUPED, EXTERNAL = "simple", "variable", "variation", "grouped", "external"
_KINDS = {kind: kind for kind in (SIMPLE, VARIABLE, VARIATION, GROUPED, EXTERNAL)} | {
    "subscription": SIMPLE,
    "variable-subscription": VARIABLE,
    "subscription_variation": VARIATION,
}
_FLAGS = frozenset({"virtual", "downloadable"})
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

# English names as WooCommerce writes them, then the French ones of a shop whose administration is French.
LAYOUT = Layout(
    aliases={
        "ID": ["ID"],
        "Type": ["Type"],
        "SKU": ["SKU", "UGS"],
        "Name": ["Name", "Nom"],
        "Published": ["Published", "Publié"],
        "Short description": ["Short description", "Description courte"],
        "Description": ["Description"],
        "In stock?": ["In stock?", "En stock ?"],
        "Stock": ["Stock"],
        "Sale price": ["Sale price", "Tarif promo", "Prix en solde"],
        "Regular price": ["Regular price", "Tarif régulier", "Prix régulier"],
        "Categories": ["Categories", "Catégories"],
        "Tags": ["Tags", "Étiquettes"],
        "Images": ["Images"],
        "Parent": ["Parent"],
        "Grouped products": ["Grouped products", "Groupe de produits", "Produits groupés"],
        "External URL": ["External URL", "URL externe"],
        **{f"Attribute {n} name": [f"Attribute {n} name", f"Nom de l’attribut {n}"] for n in range(1, 11)},
        **{
            f"Attribute {n} value(s)": [f"Attribute {n} value(s)", f"Valeur(s) de l’attribut {n}"] for n in range(1, 11)
        },
        "Subscription period": ["Meta: _subscription_period", "Méta : _subscription_period"],
        "Subscription interval": ["Meta: _subscription_period_interval", "Méta : _subscription_period_interval"],
        "Trial length": ["Meta: _subscription_trial_length", "Méta : _subscription_trial_length"],
        "Trial period": ["Meta: _subscription_trial_period", "Méta : _subscription_trial_period"],
    },
    required=["Type", "Name", "Regular price"],
    one_of=["ID", "SKU"],
)


class UnknownProductType(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("This type of product is not known.")


class CellMissing(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("This must not be blank.")


class WrongWidth(OstinatoError):
    code = "file_broken"
    message_id = gettext_noop("The row has %(found)s cells, the header %(expected)s.")


class UsedTwice(OstinatoError):
    code = "resource_already_exists"
    message_id = gettext_noop("Line %(line)s has the same.")


class ParentNotInFile(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("The variable product of this variation is not in the file.")


class UnknownPeriod(OstinatoError):
    code = "parameter_invalid_enum"
    message_id = gettext_noop("A period is day, week, month or year.")


class TooManyRows(OstinatoError):
    code = "file_too_large"
    param = "file"
    message_id = gettext_noop("The file has more than %(most)s rows. Export it in parts.")


_NO_PRICE = gettext_noop("“%(name)s” has no price: the product is kept, and nothing can be sold of it yet.")
_NO_VARIATION = gettext_noop("“%(name)s” has no variations in the file: the product is kept without prices.")
_VARIATION_WITHOUT_PRICE = gettext_noop("The variation “%(name)s” has no price and is left out.")
_GROUP = gettext_noop("“%(name)s” groups other products: it is kept without a price of its own.")
_SOLD_ELSEWHERE = gettext_noop("“%(name)s” is sold on another site: its address is kept with it.")


@dataclass(slots=True)
class _Record:
    """A row whose cells were read; faults of theirs are already among the problems."""

    line: int
    kind: str
    id: str
    sku: str
    name: str
    description: str
    active: bool
    stock: int | None
    unit_amount: Decimal | None
    images: tuple[str, ...]
    url: str
    parent: str
    nickname: str
    interval: Interval | None
    trial_days: int | None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def external_id(self) -> str:
        return f"{SOURCE}:{self.id}" if self.id else f"{SOURCE}:sku:{self.sku}"


def parse_woocommerce(content: bytes, options: ImportOptions, *, encoding: str = "utf-8") -> ParsedExport:
    """The whole export. Raises `reading`'s errors for a file that cannot be read; bad cells become problems."""
    table = read_table(content, LAYOUT, encoding=encoding)
    reader = _Reader(table, options)
    records: list[_Record] = []
    rows = 0
    for row in table.rows:
        rows += 1
        if rows > MAX_ROWS:
            raise TooManyRows(most=MAX_ROWS)
        record = reader.record(row)
        if record is not None:
            records.append(record)
    reader.check_unique(records)
    products = tuple(reader.products(records))
    problems = tuple(sorted(reader.problems, key=lambda problem: problem.line))
    return ParsedExport(rows=rows, products=products, problems=problems, notes=tuple(reader.notes))


class _Reader:
    """Turns rows into records and records into products, and gathers what it meets on the way."""

    def __init__(self, table: Table, options: ImportOptions) -> None:
        self.table = table
        self.options = options
        self.problems: list[Problem] = []
        self.notes: list[Note] = []

    # --- rows to records ---

    def record(self, row: RawRow) -> _Record | None:
        if row.width_error is not None:
            found, expected = row.width_error
            self._problem(row.line, "", "", WrongWidth(found=found, expected=expected))
            return None
        words = [word.strip().lower() for word in row.get("Type").split(",")]
        kinds = [_KINDS[word] for word in words if word in _KINDS]
        if not kinds or any(word not in _KINDS and word not in _FLAGS for word in words):
            self._problem(row.line, "Type", row.get("Type"), UnknownProductType())
            return None
        if not row.get("ID") and not row.get("SKU"):
            self._problem(row.line, self._key_column(), "", CellMissing())
            return None
        return self._record(row, kinds[0], words)

    def _record(self, row: RawRow, kind: str, words: list[str]) -> _Record:
        read, currency = self._read, self.options.currency
        regular = read(row, "Regular price", lambda cell: cells.amount_in_minor(cell, currency) if cell else None)
        sale = read(row, "Sale price", lambda cell: cells.amount_in_minor(cell, currency) if cell else None)
        is_subscription = any("subscription" in word for word in words)
        return _Record(
            line=row.line,
            kind=kind,
            id=row.get("ID"),
            sku=read(row, "SKU", lambda cell: cells.short_text(cells.unescaped(cell), SKU_MAX)) or "",
            name=read(row, "Name", _name) or "",
            description=_description(row),
            active=read(row, "Published", cells.published) or False,
            stock=read(row, "Stock", lambda cell: cells.stock(cell, row.get("In stock?"))),
            unit_amount=sale if self.options.use_sale_price and sale is not None else regular,
            images=read(row, "Images", cells.image_urls) or (),
            url=(read(row, "External URL", cells.web_address) or "") if kind == EXTERNAL else "",
            parent=row.get("Parent"),
            nickname=_nickname(row)[:NAME_MAX],
            interval=self._interval(row) if is_subscription else None,
            trial_days=self._trial_days(row) if is_subscription else None,
            metadata=_metadata(row),
        )

    def _interval(self, row: RawRow) -> Interval | None:
        """A subscription's own rhythm; None when the export does not say."""
        unit = self._read(row, "Subscription period", _period)
        count = self._read(row, "Subscription interval", lambda cell: cells.whole_number(cell) if cell else 1)
        if not unit or count is None:
            return None
        try:
            return Interval(unit, count)
        except OstinatoError as error:
            self._problem(row.line, "Subscription interval", row.get("Subscription interval"), error)
            return None

    def _trial_days(self, row: RawRow) -> int | None:
        length = self._read(row, "Trial length", lambda cell: cells.whole_number(cell) if cell else 0)
        unit = self._read(row, "Trial period", _period) or "day"
        return min(length * _DAYS[unit], TRIAL_DAYS_MAX) if length and length > 0 else None

    def _read(self, row: RawRow, column: str, parse: Callable[[str], T]) -> T | None:
        """One cell through its parser; a fault is kept and reads as None."""
        try:
            return parse(row.get(column))
        except OstinatoError as error:
            self._problem(row.line, column, row.get(column), error)
            return None

    def _problem(self, line: int, column: str, value: str, error: OstinatoError) -> None:
        self.problems.append(Problem.of(error, line=line, column=self.table.label(column), value=value))

    def _note(self, record: _Record, message_id: str) -> None:
        self.notes.append(Note(record.line, message_id, {"name": record.name}))

    def _key_column(self) -> str:
        return "ID" if "ID" in self.table.names else "SKU"

    # --- records to products ---

    def check_unique(self, records: Iterable[_Record]) -> None:
        """No id and no SKU twice: the second row would silently win over the first."""
        lines: dict[tuple[str, str], int] = {}
        for record in records:
            for column, value in (("ID", record.id), ("SKU", record.sku)):
                if value and lines.setdefault((column, value), record.line) != record.line:
                    self._problem(record.line, column, value, UsedTwice(line=lines[column, value]))

    def products(self, records: list[_Record]) -> Iterable[ImportedProduct]:
        variations = self._by_parent(records)
        for record in records:
            if record.kind == VARIABLE:
                yield self._product(record, self._variation_prices(record, variations.get(id(record), [])))
            elif record.kind == GROUPED:
                self._note(record, _GROUP)
                yield self._product(record, ())
            elif record.kind in (SIMPLE, EXTERNAL):
                if record.kind == EXTERNAL:
                    self._note(record, _SOLD_ELSEWHERE)
                yield self._product(record, self._own_price(record))

    def _by_parent(self, records: list[_Record]) -> dict[int, list[_Record]]:
        """Variations under their product, which they name by SKU or as "id:741"."""
        parents: dict[str, _Record] = {}
        for record in records:
            if record.kind == VARIABLE:
                parents |= {name: record for name in (f"id:{record.id}", record.sku) if name not in ("", "id:")}
        found: dict[int, list[_Record]] = {}
        for record in records:
            if record.kind != VARIATION:
                continue
            parent = parents.get(record.parent)
            if parent is None:
                self._problem(record.line, "Parent", record.parent, ParentNotInFile())
            else:
                found.setdefault(id(parent), []).append(record)
        return found

    def _variation_prices(self, product: _Record, variations: list[_Record]) -> tuple[ImportedPrice, ...]:
        if not variations:
            self._note(product, _NO_VARIATION)
        prices = []
        for variation in variations:
            if variation.unit_amount is None:
                self._note(variation, _VARIATION_WITHOUT_PRICE)
                continue
            prices.append(
                self._price(
                    variation, variation.unit_amount, nickname=variation.nickname or variation.name, own_stock=True
                )
            )
        return tuple(prices)

    def _own_price(self, record: _Record) -> tuple[ImportedPrice, ...]:
        if record.unit_amount is None:
            self._note(record, _NO_PRICE)
            return ()
        return (self._price(record, record.unit_amount, nickname="", own_stock=False),)

    def _price(self, record: _Record, unit_amount: Decimal, *, nickname: str, own_stock: bool) -> ImportedPrice:
        """Stock and SKU of a simple product stay with the product; those of a variation are its price's."""
        interval = record.interval or Interval(self.options.interval, self.options.interval_count)
        recurs = record.interval is not None or not self.options.one_time
        return ImportedPrice(
            external_id=record.external_id,
            line=record.line,
            unit_amount=unit_amount,
            currency=self.options.currency,
            type="recurring" if recurs else "one_time",
            interval=str(interval.unit) if recurs else "",
            interval_count=interval.count if recurs else None,
            trial_period_days=record.trial_days if recurs else None,
            nickname=nickname,
            active=record.active,
            sku=record.sku if own_stock else "",
            stock_quantity=record.stock if own_stock else None,
        )

    def _product(self, record: _Record, prices: tuple[ImportedPrice, ...]) -> ImportedProduct:
        return ImportedProduct(
            external_id=record.external_id,
            line=record.line,
            name=record.name,
            description=record.description,
            active=record.active,
            images=record.images,
            url=record.url,
            sku=record.sku,
            stock_quantity=record.stock,
            metadata=record.metadata,
            prices=prices,
        )


def _name(cell: str) -> str:
    name = html_to_text(cells.unescaped(cell)).replace("\n", " ")
    if not name:
        raise CellMissing
    return cells.short_text(name, NAME_MAX)


def _period(cell: str) -> str:
    if cell and cell not in _DAYS:
        raise UnknownPeriod
    return cell


def _description(row: RawRow) -> str:
    """The long description as plain text, else the short one. WooCommerce writes line ends as "\\n"."""
    text = row.get("Description") or row.get("Short description")
    return html_to_text(cells.unescaped(text).replace("\\n", "\n"))


def _nickname(row: RawRow) -> str:
    """ "Color: Red, Logo: Yes"; an attribute without a value stands for any and is left out."""
    parts = []
    for n in range(1, 11):
        name, value = row.get(f"Attribute {n} name"), row.get(f"Attribute {n} value(s)")
        if value:
            parts.append(f"{name}: {value}" if name else value)
    return ", ".join(parts)


def _metadata(row: RawRow) -> dict[str, str]:
    """What has no column of its own here and should not be lost."""
    kept: Mapping[str, str] = {
        "woocommerce_type": row.get("Type"),
        "woocommerce_categories": row.get("Categories"),
        "woocommerce_tags": row.get("Tags"),
        "woocommerce_grouped_products": row.get("Grouped products"),
    }
    return {key: value[:METADATA_MAX] for key, value in kept.items() if value}
