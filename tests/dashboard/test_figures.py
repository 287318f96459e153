"""Sparklines, cards, brand colours and formats: small pure things."""

from decimal import Decimal

import pytest
from django.utils import translation

from billing_site.brand import INK, READABLE, WHITE, brand_stylesheet, contrast, parse_hex
from billing_site.templatetags import formatting
from dashboard.charts import HEIGHT, WIDTH, sparkline_area, sparkline_path, sparkline_points
from dashboard.kpis import line_of, share_of_change
from tests.factories.times import utc


def test_a_sparkline_spans_the_drawing_from_low_to_high() -> None:
    points = sparkline_points([10, 30, 20])
    assert [x for x, _ in points] == [0, WIDTH * 5, WIDTH * 10]
    lowest, highest = points[0][1], points[1][1]
    assert 0 < highest < lowest < HEIGHT * 10


def test_a_flat_line_and_too_few_points_draw_without_dividing_by_zero() -> None:
    assert len(sparkline_points([5, 5, 5])) == 3
    assert sparkline_path([7]) == sparkline_area([]) == sparkline_path([0, 0]) == ""


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [(100, 110, Decimal("0.1")), (100, 50, Decimal("-0.5")), (0, 10, None), (None, 10, None), (100, None, None)],
)
def test_a_change_is_a_share_of_what_was(before, now, share) -> None:
    assert share_of_change(before, now) == share


def test_a_sparkline_of_shares_has_whole_numbers() -> None:
    assert line_of([Decimal("0.0123"), None, Decimal("0.5")]) == (123, 5000)


@pytest.mark.parametrize("digits", ["000000", "ffffff", "ffff00", "4f46e5", "7f7f7f", "00ff00", "c0ffee"])
def test_text_on_and_of_a_brand_colour_can_be_read(digits: str) -> None:
    colour = tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
    css = brand_stylesheet(digits)
    ink = css.split("--brand-ink:#")[1][:6]
    on = tuple(int(ink[i : i + 2], 16) for i in (0, 2, 4))
    assert contrast(colour, on) >= READABLE
    assert on in (WHITE, INK)


@pytest.mark.parametrize("text", ["", "red", "#12345", "#zzzzzz", "};body{display:none"])
def test_what_is_no_colour_becomes_ours(text: str) -> None:
    assert parse_hex(text) == "4f46e5"


@pytest.mark.parametrize(
    ("language", "money", "share", "moment"),
    [
        ("en", "CA$1,234.50", "3.4%", "Jan 31, 2024, 5:30\u202fPM"),
        ("fr-ca", "1\xa0234,50\xa0$", "3,4\xa0%", "31 janv. 2024, 17 h 30"),
        ("fr", "1\u202f234,50\xa0$CA", "3,4\xa0%", "31 janv. 2024, 17:30"),
    ],
)
def test_formats_follow_the_reader(language: str, money: str, share: str, moment: str) -> None:
    with translation.override(language):
        assert formatting.money(123450, "cad") == money
        assert formatting.percentage(Decimal("0.034")) == share
        assert formatting.local_datetime(utc(2024, 1, 31, 17, 30)) == moment


def test_nothing_is_a_dash() -> None:
    assert formatting.money(None, "cad") == formatting.local_date(None) == formatting.percentage(None) == "–"


def test_a_status_pill_escapes_what_it_does_not_know() -> None:
    assert "<script>" not in formatting.status_pill("<script>")
