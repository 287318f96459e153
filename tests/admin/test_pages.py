"""The staff admin: every model has pages, they ask few questions, and nothing with money can be changed."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from merchants.models import User
from tests.admin.rows import make, make_rows, our_models
from tests.factories.merchants import user

pytestmark = pytest.mark.django_db

# Rights of their own in a shop's catalog of rights; everything else belongs to somebody's money or history.
CHANGEABLE = {"User", "Merchant", "BillingEntity", "Membership", "RecoveryPolicy"}
LIST_QUERIES = 8  # session, user, count, rows, and what a filter offers
DETAIL_QUERIES = 14  # the row, what it points at, its inlines and the history link
MODELS = list(our_models())


def name(model: type[models.Model]) -> str:
    return model.__name__


def page(model: type[models.Model], kind: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=[quote(str(a)) for a in args])


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(user(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_every_model_is_registered_and_can_be_searched(model: type[models.Model]) -> None:
    assert admin.site.is_registered(model)
    assert admin.site.get_model_admin(model).search_fields


# Their rows are made by hand, so all values of a column can be asked for.
SMALL = {"catalog", "merchants"}


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_filter_never_reads_a_whole_table_for_its_choices(model: type[models.Model]) -> None:
    for entry in admin.site.get_model_admin(model).list_filter:
        if isinstance(entry, str) and model._meta.app_label not in SMALL:
            field = model._meta.get_field(entry)
            assert field.choices or isinstance(field, models.BooleanField), f"{name(model)}.{entry}"


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_list_answers_and_asks_the_same_number_of_questions_for_one_row_and_for_many(
    staff: Client, model: type[models.Model]
) -> None:
    counts = []
    for rows in (1, 4):
        for _ in range(rows):
            make(model)
        with CaptureQueriesContext(connection) as asked:
            response = staff.get(page(model, "changelist"))
        assert response.status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= LIST_QUERIES


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_search_answers(staff: Client, model: type[models.Model]) -> None:
    make(model)
    assert staff.get(page(model, "changelist"), {"q": "needle"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_detail_page_answers_in_few_questions(staff: Client, model: type[models.Model]) -> None:
    row = make(model)
    staff.get(page(model, "change", row.pk))  # content types are asked for once per process
    with CaptureQueriesContext(connection) as asked:
        response = staff.get(page(model, "change", row.pk))
    assert response.status_code == 200
    assert len(asked) <= DETAIL_QUERIES


@pytest.mark.parametrize("model", [model for model in MODELS if model.__name__ not in CHANGEABLE], ids=name)
def test_what_is_money_or_history_is_only_looked_at(staff: Client, model: type[models.Model]) -> None:
    row = make(model)
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert staff.get(page(model, "add")).status_code == 403
    assert staff.post(page(model, "add"), {}).status_code == 403
    assert staff.post(page(model, "change", row.pk), {"amount": 1}).status_code == 403
    assert staff.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    staff.post(page(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize(
    "model",
    [m for m in apps.get_models() if m._meta.app_label in ("django_q", "account", "mfa", "admin", "auth")],
    ids=name,
)
def test_the_libraries_pages_that_we_show_answer(staff: Client, model: type[models.Model]) -> None:
    if admin.site.is_registered(model):
        assert staff.get(page(model, "changelist")).status_code == 200


def test_the_processors_mirror_is_read_only_and_shows_no_secrets(staff: Client) -> None:
    mirror = list(apps.get_app_config("djstripe").get_models())
    shown = {model.__name__ for model in mirror if admin.site.is_registered(model)}
    assert "Charge" in shown
    assert not shown & {"APIKey", "WebhookEndpoint"}
    for model in mirror:
        if admin.site.is_registered(model):
            assert staff.get(page(model, "changelist")).status_code == 200, model
            assert staff.post(page(model, "add"), {}).status_code == 403, model


def test_the_front_page_answers_in_few_questions(staff: Client) -> None:
    make_rows(1)
    with CaptureQueriesContext(connection) as asked:
        response = staff.get("/admin/")
    assert response.status_code == 200
    assert len(asked) <= LIST_QUERIES


def test_the_front_page_says_what_waits_for_a_person(staff: Client) -> None:
    from engine.models import Refusal

    make(Refusal)
    counts = {card["title"]: card["count"] for card in staff.get("/admin/").context["waiting"]}
    assert counts.pop("Refusals of the run") == 1
    assert set(counts.values()) == {0}


def test_only_staff_may_come_in(client: Client) -> None:
    response = client.get("/admin/invoicing/invoice/", follow=False)
    assert response.status_code == 302
    member = user()
    client.force_login(member)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403


def test_staff_log_in_where_everybody_does(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_money_is_shown_in_words(staff: Client) -> None:
    from customers.models import Customer

    row = make(Customer)
    Customer.objects.filter(pk=row.pk).update(balance=-123456, currency="cad")
    for kind in ("changelist", "change"):
        text = staff.get(page(Customer, kind, *([row.pk] if kind == "change" else []))).content.decode()
        assert "-CA$1,234.56" in text


def test_tokens_and_secrets_are_on_no_page(staff: Client) -> None:
    for model in MODELS:
        for field in model._meta.concrete_fields:
            if field.name in ("secret_hash", "token_hash", "hosted_token"):
                row = make(model)
                model._default_manager.filter(pk=row.pk).update(**{field.name: "do-not-show-me"})
                assert "do-not-show-me" not in staff.get(page(model, "change", row.pk)).content.decode()


def test_staff_make_a_user_by_email(staff: Client) -> None:
    made = {"email": "Nadia@Example.com", "password1": "a long pass phrase", "password2": "a long pass phrase"}
    response = staff.post("/admin/merchants/user/add/", made | {"usable_password": "true"})
    assert response.status_code == 302, response.content.decode()[:2000]
    person = User.objects.get(email="nadia@example.com")
    assert person.check_password("a long pass phrase")
    assert person.username == person.email
