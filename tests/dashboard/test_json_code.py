"""JSON as pages show it: coloured, its ids leading to their pages, and still the same JSON."""

from __future__ import annotations

import html
import json
import re

import pytest

from core.ids import new_id
from dashboard.templatetags.code import as_json, http_pill, json_code

VALUES = [
    {"amount": -1250, "rate": 12.5e-7, "paid": True, "tax": None, "lines": [1, [], {}]},
    {'na"me': 'He said "no": 5 <b>&amp;</b>', "path": "C:\\\\", "é": "œuf 12"},
    [],
    "alone",
]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_read_or_copied_is_the_very_same_json(value: object) -> None:
    shown = re.sub(r"<[^>]*>", "", json_code(value))
    assert json.loads(html.unescape(shown)) == value


def test_what_people_typed_is_escaped() -> None:
    assert "<script>" not in json_code({"name": "<script>alert(1)</script>", "<script>": 1})


def test_each_kind_of_token_has_its_colour() -> None:
    shown = json_code({"paid": True, "amount": 5, "note": "true 5"})
    assert '<span class="json-key">&quot;paid&quot;</span>: <span class="json-word">true</span>' in shown
    assert '<span class="json-number">5</span>' in shown
    assert '<span class="json-text">&quot;true 5&quot;</span>' in shown


def test_an_id_leads_to_its_page_and_a_word_that_looks_like_one_does_not() -> None:
    customer = new_id("cus")
    shown = json_code({"customer": customer, "status": "in_transit", "cus_": customer})
    assert shown.count("<a ") == 2
    assert f"/dashboard/customers/{customer}/" in shown


def test_an_answer_that_is_no_json_is_left_as_it_is() -> None:
    assert (as_json('{"a": 1}'), as_json("<html>")) == ({"a": 1}, None)


@pytest.mark.parametrize(
    ("status", "tone"), [(200, "success"), (302, "info"), (404, "warning"), (500, "danger"), (0, "danger")]
)
def test_an_answers_status_has_the_tone_of_its_class(status: int, tone: str) -> None:
    assert f"pill-{tone}" in http_pill(status)
