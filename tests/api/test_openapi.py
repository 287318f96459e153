"""The published description: whole, readable without a key, and true."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from api.openapi.document import document, kind_of, operation_id, type_words
from api.routes import OPERATIONS
from tests.api import described
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def test_it_is_served_without_a_key_and_names_every_operation() -> None:
    answer = Client().get("/v1/openapi.json")
    told = answer.json()
    assert (answer.status_code, told["openapi"]) == (200, "3.1.0")
    named = {(method.upper(), path) for path, found in told["paths"].items() for method in found}
    assert named == {(one.method, one.path) for one in OPERATIONS}
    assert len({operation_id(one) for one in OPERATIONS}) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    told = document()
    refs = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(told)))
    assert refs <= told["components"]["schemas"].keys()
    assert [one.path for one in OPERATIONS if not kind_of(one)] == []


def test_a_form_is_described_with_its_types_bounds_and_what_is_required() -> None:
    told = document()["paths"]["/v1/tax_rates"]["post"]["requestBody"]["content"]
    form = told["application/x-www-form-urlencoded"]["schema"]
    assert set(form["required"]) == {"display_name", "inclusive", "percentage"}
    assert form["properties"]["display_name"] == {"type": "string", "maxLength": 50}
    assert form["additionalProperties"] is False


def test_the_check_bites(caller: Caller) -> None:
    [create] = [one for one in OPERATIONS if (one.method, one.path) == ("POST", "/v1/products")]
    good = caller("POST", "/v1/products", "name=Box")
    assert described.fault(create, 200, good) == ""
    assert described.fault(create, 200, good | {"active": "yes"})
    assert described.fault(create, 200, {name: value for name, value in good.items() if name != "name"})
    assert described.fault(create, 400, {"error": {"message": "no type"}})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        (
            {"anyOf": [{"type": "string", "enum": ["now"]}, {"type": "integer", "format": "unix-time"}]},
            "now or integer unix-time",
        ),
        ({"type": "object", "properties": {"gt": {}, "lt": {}}}, "hash: gt, lt"),
    ],
)
def test_types_in_words(told: dict, words: str) -> None:
    assert type_words(told) == words
