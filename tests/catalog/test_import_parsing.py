"""Reading WooCommerce exports: what is understood, and what is refused by line and column."""

from decimal import Decimal

import pytest

from catalog.imports.html_text import html_to_text
from catalog.imports.reading import (
    BrokenCsv,
    ColumnsMissing,
    ColumnTwice,
    FileIsEmpty,
    NoKnownColumns,
    NotATextFile,
    UnknownEncoding,
    UnreadableEncoding,
)
from catalog.imports.types import ImportOptions, ParsedExport
from catalog.imports.woocommerce import parse_woocommerce

HEADER = "ID,Type,SKU,Name,Published,Description,In stock?,Stock,Sale price,Regular price,Images,Parent,External URL"
ATTRIBUTES = "Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)"


def parsed(*lines: str, header: str = HEADER, **options: object) -> ParsedExport:
    text = "\n".join([header, *lines]) + "\n"
    return parse_woocommerce(text.encode(), ImportOptions(**{"currency": "cad"} | options))  # type: ignore[arg-type]


def problems(*lines: str, header: str = HEADER) -> list[tuple[int, str]]:
    return [(problem.line, problem.column) for problem in parsed(*lines, header=header).problems]


def simple(**cells: str) -> str:
    """One row of a simple product, with the cells named by their first word."""
    row = {
        "id": "7",
        "type": "simple",
        "sku": "tea",
        "name": "Tea",
        "published": "1",
        "description": "",
        "in_stock": "1",
        "stock": "",
        "sale": "",
        "regular": "12.50",
        "images": "",
        "parent": "",
        "url": "",
    }
    return ",".join(f'"{value}"' for value in (row | cells).values())


def test_a_simple_product_is_a_product_with_one_monthly_price() -> None:
    [product] = parsed(simple(stock="40", images="https://shop.example/a.png, https://shop.example/b.png")).products
    assert (product.name, product.sku, product.stock_quantity, product.active) == ("Tea", "tea", 40, True)
    assert product.images == ("https://shop.example/a.png", "https://shop.example/b.png")
    [price] = product.prices
    assert price.money == (Decimal(1250), "cad", "recurring", "month", 1, None)


def test_a_variable_product_is_one_product_with_a_price_for_each_variation() -> None:
    export = parsed(
        '1,variable,tee,T-Shirt,1,,1,,,,,,,Color,"Blue, Red",Size,"L, M"',
        "2,variation,tee-blue,T-Shirt - Blue,1,,1,5,,25,,tee,,Color,Blue,Size,",
        "3,variation,tee-red,T-Shirt - Red,1,,0,,,26,,id:1,,Color,Red,Size,L",
        header=f"{HEADER},{ATTRIBUTES}",
    )
    [product] = export.products
    assert [(p.nickname, p.unit_amount, p.stock_quantity, p.sku) for p in product.prices] == [
        ("Color: Blue", 2500, 5, "tee-blue"),
        ("Color: Red, Size: L", 2600, 0, "tee-red"),
    ]


def test_a_french_shops_export_with_semicolons_and_decimal_commas_is_read() -> None:
    header = "ID;Type;UGS;Nom;Publié;En stock ?;Stock;Tarif promo;Tarif régulier;Nom de l’attribut 1"
    [product] = parsed("7;simple;the;Thé noir;1;1;3;;12,50;", header=header).products
    assert (product.name, product.prices[0].unit_amount, product.stock_quantity) == ("Thé noir", 1250, 3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_byte_order_mark_says_how_to_read_the_file(encoding: str) -> None:
    content = f"{HEADER}\n{simple(name='Thé')}\n".encode(encoding)
    assert parse_woocommerce(content, ImportOptions(currency="cad")).products[0].name == "Thé"


def test_old_excels_encoding_is_read_when_it_is_named() -> None:
    content = f"{HEADER}\n{simple(name='Thé')}\n".encode("cp1252")
    options = ImportOptions(currency="cad")
    assert parse_woocommerce(content, options, encoding="cp1252").products[0].name == "Thé"
    with pytest.raises(UnreadableEncoding, match="Line 2"):
        parse_woocommerce(content, options)
    with pytest.raises(UnknownEncoding):
        parse_woocommerce(content, options, encoding="klingon")


def test_the_sale_price_counts_only_when_asked_for() -> None:
    row = simple(sale="10", regular="12.50")
    assert parsed(row).products[0].prices[0].unit_amount == 1250
    assert parsed(row, use_sale_price=True).products[0].prices[0].unit_amount == 1000


def test_prices_recur_as_the_options_say_and_subscriptions_as_they_say_themselves() -> None:
    assert parsed(simple(), interval="year").products[0].prices[0].money[2:5] == ("recurring", "year", 1)
    assert parsed(simple(), one_time=True).products[0].prices[0].money[2:5] == ("one_time", "", None)
    header = "ID,Type,Name,Regular price,Meta: _subscription_period,Meta: _subscription_period_interval,"
    header += "Meta: _subscription_trial_length,Meta: _subscription_trial_period"
    [product] = parsed("7,subscription,Box,30,week,2,1,month", header=header, one_time=True).products
    assert product.prices[0].money[2:] == ("recurring", "week", 2, 30)


def test_types_are_taken_by_name() -> None:
    export = parsed(
        simple(id="1", sku="a", type="simple, downloadable, virtual"),
        simple(id="2", sku="b", type="grouped", regular=""),
        simple(id="3", sku="c", type="external", url="https://elsewhere.example/x"),
        simple(id="4", sku="d", regular=""),
        simple(id="5", sku="e", type="variable", regular=""),
    )
    assert [len(product.prices) for product in export.products] == [1, 0, 1, 0, 0]
    assert export.products[2].url == "https://elsewhere.example/x"
    assert [note.line for note in export.notes] == [3, 4, 5, 6]
    assert export.problems == ()


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"regular": "free"}, "Regular price"),
        ({"regular": "-5"}, "Regular price"),
        ({"regular": "12.505"}, "Regular price"),  # half a cent
        ({"regular": "1,234.50"}, "Regular price"),
        ({"regular": "99999999999999999"}, "Regular price"),
        ({"sale": "?"}, "Sale price"),
        ({"stock": "many"}, "Stock"),
        ({"stock": "3.5"}, "Stock"),
        ({"stock": "99999999999"}, "Stock"),
        ({"published": "yes"}, "Published"),
        ({"type": "mystery"}, "Type"),
        ({"type": ""}, "Type"),
        ({"name": ""}, "Name"),
        ({"name": "x" * 251}, "Name"),
        ({"sku": "x" * 101}, "SKU"),
        ({"images": "javascript:alert(1)"}, "Images"),
        ({"images": "logo.png"}, "Images"),
        ({"type": "external", "url": "http://["}, "External URL"),
        ({"type": "variation", "parent": "nobody"}, "Parent"),
        ({"id": "", "sku": ""}, "ID"),
    ],
)
def test_a_wrong_cell_is_told_by_line_and_column(cells: dict[str, str], column: str) -> None:
    assert problems(simple(id="1", sku="fine"), simple(**cells)) == [(3, column)]


def test_all_wrong_cells_are_told_at_once_and_lines_count_those_inside_a_cell() -> None:
    found = problems(
        simple(id="1", sku="a", description="two\nlines"),
        simple(regular="x", stock="y"),
        simple(id="9", sku="b", name=""),
    )
    assert found == [(4, "Regular price"), (4, "Stock"), (5, "Name")]


def test_the_same_id_or_sku_twice_is_told_with_the_line_of_the_first() -> None:
    export = parsed(simple(), simple(id="8"), simple(sku="other"))
    assert [(p.line, p.column, p.message) for p in export.problems] == [
        (3, "SKU", "Line 2 has the same."),
        (4, "ID", "Line 2 has the same."),
    ]


def test_a_row_of_another_width_is_told() -> None:
    export = parsed("1,simple,a")
    assert [(p.line, p.message) for p in export.problems] == [(2, "The row has 3 cells, the header 13.")]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", FileIsEmpty),
        (b"\xef\xbb\xbf \n", FileIsEmpty),
        (b"PK\x03\x04\x00\x00workbook", NotATextFile),
        ("héllo".encode("latin-1"), UnreadableEncoding),
        (b"<html><body>not found</body></html>", NoKnownColumns),
        (b"first,second\n1,2\n", NoKnownColumns),
        (HEADER.replace(",", "|").encode(), NoKnownColumns),
        (b"ID,Name\n1,Tea\n", ColumnsMissing),
        (b"Type,Name,Regular price\nsimple,Tea,3\n", ColumnsMissing),
        (b"ID,ID,Type,Name,Regular price\n", ColumnTwice),
        (f'{HEADER}\n{simple()}\n8,simple,b,"never closed\n'.encode(), BrokenCsv),
        (f'{HEADER}\n8,simple,b,"closed"badly,1,,,,,,,,\n'.encode(), BrokenCsv),
    ],
)
def test_what_is_no_product_export_is_refused_by_name(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_woocommerce(content, ImportOptions(currency="cad"))


def test_only_a_header_is_an_import_of_nothing() -> None:
    assert parsed().rows == 0


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Dark &amp; sweet</p><ul><li>500 g</li></ul>", "Dark & sweet\n500 g"),
        ("plain &eacute;", "plain é"),
        ("<script>alert(1)</script>Tea", "Tea"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_html_becomes_words(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_an_escaped_formula_is_what_it_was() -> None:
    assert parsed(simple(stock="'-3")).products[0].stock_quantity == -3
