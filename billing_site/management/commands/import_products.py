"""Bring a WooCommerce product export into a merchant's catalog: all of it, or nothing when a cell is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext

from billing_site.commands import JsonCommand
from catalog.imports.reading import MAX_BYTES, FileTooLarge
from catalog.imports.services import ImportReport, import_woocommerce
from catalog.imports.types import ImportOptions, Problem
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.periods import Interval
from merchants.selectors import merchant_by_id, only_live_merchant

SHOWN = 50  # problems in the table; --json gives up to ten times as many


class CannotOpen(OstinatoError):
    code = "file_missing"
    param = "file"
    message_id = gettext_noop("“%(path)s” cannot be opened: %(reason)s.")


class IntervalUnclear(OstinatoError):
    code = "parameter_invalid"
    param = "interval"
    message_id = gettext_noop("“%(interval)s” is not an interval: write month, year, 2weeks or 3months.")


class Command(JsonCommand):
    help = (
        "Import a WooCommerce product export (CSV). A variable product becomes one product with a price for each "
        "variation. Importing again updates what is there; a changed amount makes a new price and archives the old. "
        "Regular prices are taken unless --use-sale-price is given. Any wrong cell stops the whole import."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the export")
        parser.add_argument("--merchant", default="", help="id; not needed when there is one live merchant")
        parser.add_argument("--currency", default="", help="of the prices; the merchant's own by default")
        parser.add_argument("--interval", default="month", help="how often prices recur: week, month, 3months, year")
        parser.add_argument("--one-time", action="store_true", help="make one-time prices")
        parser.add_argument("--use-sale-price", action="store_true", help="take the sale price where there is one")
        parser.add_argument("--encoding", default="utf-8", help="of the file; cp1252 for old Excel")
        parser.add_argument("--dry-run", action="store_true", help="read, check and count; change nothing")

    def run(self, **options: Any) -> dict[str, Any]:
        merchant = merchant_by_id(options["merchant"]) if options["merchant"] else only_live_merchant()
        unit, count = _interval(options["interval"])
        now = timezone.now()
        report = import_woocommerce(
            ctx=Context(as_of=now, recorded_at=now, actor="system"),
            merchant_id=merchant.id,
            content=_content(Path(options["file"])),
            options=ImportOptions(
                currency=options["currency"] or merchant.default_currency,
                interval=unit,
                interval_count=count,
                one_time=options["one_time"],
                use_sale_price=options["use_sale_price"],
            ),
            encoding=options["encoding"],
            dry_run=options["dry_run"],
        )
        return _as_json(report, merchant.id, dry_run=options["dry_run"])

    def tell(self, result: dict[str, Any]) -> None:
        for note in result["notes"][:SHOWN]:
            self.stdout.write(gettext("Line %(line)s: %(message)s") % note)
        if not result["ok"]:
            self._tell_problems(result["problems"], result["problem_count"])
            return
        counted = gettext(
            "%(rows)s rows: %(products_created)s products and %(prices_created)s prices created, "
            "%(products_updated)s products and %(prices_updated)s prices updated, %(prices_archived)s prices archived, "
            "%(unchanged)s unchanged."
        )
        self.stdout.write(self.style.SUCCESS(counted % result))
        if result["dry_run"]:
            self.stdout.write(gettext("A dry run: nothing was written."))

    def _tell_problems(self, problems: list[dict[str, Any]], count: int) -> None:
        shown = problems[:SHOWN]
        titles = {"line": gettext("Line"), "column": gettext("Column"), "value": gettext("Value")}
        widths = {key: max([len(title), *(len(str(row[key])) for row in shown)]) for key, title in titles.items()}

        def row(cells: dict[str, Any], message: str) -> str:
            return "  ".join([*(str(cells[key]).ljust(width) for key, width in widths.items()), message])

        self.stderr.write(self.style.ERROR(row(titles, gettext("Problem"))))
        for problem in shown:
            self.stderr.write(row(problem, problem["message"]))
        if count > len(shown):
            self.stderr.write(gettext("… and %(more)s more.") % {"more": count - len(shown)})
        self.stderr.write(self.style.ERROR(gettext("Nothing was changed.")))


def _interval(text: str) -> tuple[str, int]:
    """ "month" -> ("month", 1); "3months" -> ("month", 3). Raises `IntervalUnclear`."""
    digits = len(text) - len(text.lstrip("0123456789"))
    unit = text[digits:].strip().lower().removesuffix("s")
    try:
        interval = Interval(unit, int(text[:digits] or 1))
    except OstinatoError:
        raise IntervalUnclear(interval=text) from None
    return interval.unit, interval.count


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
        return path.read_bytes()
    except OSError as error:
        raise CannotOpen(path=path, reason=error.strerror or type(error).__name__) from None


def _as_json(report: ImportReport, merchant_id: str, *, dry_run: bool) -> dict[str, Any]:
    return {
        "ok": not report.problems,
        "merchant": merchant_id,
        "dry_run": dry_run,
        "rows": report.rows,
        "products": report.products,
        "prices": report.prices,
        "products_created": report.products_created,
        "products_updated": report.products_updated,
        "prices_created": report.prices_created,
        "prices_updated": report.prices_updated,
        "prices_archived": report.prices_archived,
        "unchanged": report.unchanged,
        "problem_count": len(report.problems),
        "problems": [_problem(problem) for problem in report.problems[: SHOWN * 10]],
        "notes": [
            {"line": note.line, "message": gettext(note.message_id) % note.params}
            for note in report.notes[: SHOWN * 10]
        ],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "line": problem.line,
        "column": problem.column,
        "value": problem.value,
        "message": gettext(problem.message_id) % problem.params,
    }
