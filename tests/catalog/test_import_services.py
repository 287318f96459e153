"""Importing an export: everything or nothing, once or again, in few queries."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.imports.services import import_woocommerce
from catalog.imports.types import ImportOptions
from catalog.models import Price, Product
from core.money import UnknownCurrency
from events.models import Event, ObjectVersion
from merchants.models import Merchant
from tests.factories.merchants import merchant
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

HEADER = "ID,Type,SKU,Name,Published,Stock,Regular price,Parent,Attribute 1 name,Attribute 1 value(s)"
FILE = f"""{HEADER}
1,simple,tea,Tea,1,40,12.50,,,
2,variable,box,Box,1,,,,Size,"Small, Large"
3,variation,box-s,Box - Small,1,4,25,box,Size,Small
4,variation,box-l,Box - Large,1,,45,box,Size,Large
"""


def bring(shop: Merchant, text: str = FILE, **options):
    dry_run = options.pop("dry_run", False)
    return import_woocommerce(
        ctx=context(utc(2024, 3, 1)),
        merchant_id=shop.id,
        content=text.encode(),
        options=ImportOptions(**{"currency": "cad"} | options),
        dry_run=dry_run,
    )


def test_an_import_makes_products_and_prices_and_tells_each_once() -> None:
    shop = merchant()
    report = bring(shop)
    assert (report.products_created, report.prices_created) == (2, 3)
    box = Product.objects.get(sku="box")
    assert sorted(box.prices.values_list("nickname", "unit_amount_decimal", "stock_quantity")) == [
        ("Size: Large", Decimal(4500), None),
        ("Size: Small", Decimal(2500), 4),
    ]
    assert Event.objects.filter(type="product.created").count() == 2
    assert Event.objects.filter(type="price.created").count() == 3
    assert ObjectVersion.objects.get(object_id=box.id).body["name"] == "Box"


def test_the_same_file_again_changes_and_tells_nothing() -> None:
    shop = merchant()
    bring(shop)
    told = Event.objects.count()
    report = bring(shop)
    assert (report.unchanged, Event.objects.count(), Product.objects.count()) == (5, told, 2)


def test_a_second_import_updates_what_is_there() -> None:
    shop = merchant()
    bring(shop)
    before = Product.objects.get(sku="tea")
    bring(shop, FILE.replace("Tea,1,40", "Green tea,0,39").replace("Small,1,4,25", "Small,1,3,25"))
    after = Product.objects.get(sku="tea")
    assert (after.id, after.name, after.active, after.stock_quantity) == (before.id, "Green tea", False, 39)
    assert after.version == before.version + 1
    assert Price.objects.get(sku="box-s").stock_quantity == 3
    event = Event.objects.get(type="product.updated")
    assert event.previous_attributes == {"name": "Tea", "active": True, "stock_quantity": 40}


def test_a_changed_amount_makes_a_new_price_and_archives_the_old() -> None:
    shop = merchant()
    bring(shop)
    old = Price.objects.get(sku="box-s")
    Price.objects.filter(id=old.id).update(lookup_key="small_box", metadata={"ours": "kept"})
    report = bring(shop, FILE.replace("4,25,", "4,27,"))
    assert (report.prices_created, report.prices_archived) == (1, 1)
    old.refresh_from_db()
    new = Price.objects.get(external_id="woocommerce:3")
    assert (old.active, old.lookup_key, old.external_id, old.unit_amount_decimal) == (False, None, None, 2500)
    assert (new.active, new.lookup_key, new.unit_amount_decimal, new.metadata) == (
        True,
        "small_box",
        2700,
        {"ours": "kept"},
    )
    assert new.product_id == old.product_id


def test_one_wrong_cell_stops_everything() -> None:
    shop = merchant()
    report = bring(shop, FILE + "5,simple,jam,Jam,1,,cheap,,,\n")
    assert [(problem.line, problem.column) for problem in report.problems] == [(6, "Regular price")]
    assert not Product.objects.exists()
    assert not Event.objects.exists()


def test_a_dry_run_counts_and_writes_nothing() -> None:
    shop = merchant()
    assert bring(shop, dry_run=True).products_created == 2
    assert not Product.objects.exists()


def test_what_the_file_does_not_name_stays_and_other_merchants_are_not_touched() -> None:
    shop, other = merchant(), merchant(name="Other")
    bring(other)
    bring(shop)
    bring(shop, f"{HEADER}\n1,simple,tea,Black tea,1,40,12.50,,,\n")
    assert Product.objects.filter(merchant=shop).count() == 2
    assert Product.objects.get(merchant=other, sku="tea").name == "Tea"


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    def queries(shop: Merchant, rows: int, name: str) -> int:
        lines = "".join(f"{n},simple,s{n},{name} {n},1,{n},{n}.00,,,\n" for n in range(1, rows + 1))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            bring(shop, f"{HEADER}\n{lines}")
        return len(captured)

    few, many = merchant(), merchant(name="Many")
    assert queries(few, 2, "Tea") == queries(many, 200, "Tea")
    assert queries(few, 2, "Jam") == queries(many, 200, "Jam")


def test_an_unknown_currency_is_refused_before_the_file_is_read() -> None:
    with pytest.raises(UnknownCurrency):
        bring(merchant(), currency="xyz")


# --- the command ---


def run(capsys, *args: object) -> tuple[int, str, str]:
    status = 0
    try:
        call_command("import_products", *map(str, args))
    except SystemExit as exit:
        status = int(exit.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def json_of(out: str) -> dict:
    import json

    [line] = out.splitlines()
    return json.loads(line)


def test_the_only_live_merchant_is_meant_when_none_is_named(capsys, tmp_path: Path) -> None:
    merchant(livemode=True)
    merchant(name="A sandbox")
    file = tmp_path / "products.csv"
    file.write_text(FILE)
    status, out, _ = run(capsys, file, "--json", "--interval", "3months")
    assert (status, json_of(out)["prices_created"]) == (0, 3)
    assert set(Price.objects.values_list("interval", "interval_count")) == {("month", 3)}


def test_bad_rows_are_a_table_for_people_and_a_list_for_programs(capsys, tmp_path: Path) -> None:
    shop = merchant()
    file = tmp_path / "products.csv"
    file.write_text(FILE.replace("12.50", "cheap"))
    status, _, err = run(capsys, file, "--merchant", shop.id)
    assert status == 1
    assert "Regular price" in err
    assert "Nothing was changed." in err
    status, out, _ = run(capsys, file, "--merchant", shop.id, "--json")
    assert status == 1
    assert json_of(out)["problems"] == [
        {"line": 2, "column": "Regular price", "value": "cheap", "message": "“cheap” is not an amount."}
    ]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["missing.csv"], "file_missing"),
        (["products.csv", "--merchant", "acct_nobody"], "resource_missing"),
        (["products.csv", "--interval", "0months"], "parameter_invalid"),
        (["products.csv", "--interval", "fortnight"], "parameter_invalid"),
        (["products.csv", "--interval", "9years"], "parameter_invalid_integer"),
        (["products.csv", "--currency", "zzz"], "currency_invalid"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_words(capsys, tmp_path, monkeypatch, args: list[str], code: str) -> None:
    merchant(livemode=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "products.csv").write_text(FILE)
    status, out, _ = run(capsys, *args, "--json")
    assert status == 1
    assert json_of(out)["error"]["code"] == code
    assert not Product.objects.exists()


def test_with_several_live_merchants_one_has_to_be_named(capsys, tmp_path: Path) -> None:
    merchant(livemode=True)
    merchant(livemode=True, name="Second")
    (tmp_path / "products.csv").write_text(FILE)
    status, _, err = run(capsys, tmp_path / "products.csv")
    assert status == 1
    assert "--merchant" in err
