"""What every answer of the house carries."""

import pytest
from django.conf import settings


@pytest.mark.django_db
def test_the_landing_page_leads_to_the_faces(client):
    page = client.get("/")
    assert page.status_code == 200
    for face in ("/dashboard/", "/portal/", "/admin/"):
        assert face in page.content.decode()


@pytest.mark.django_db
def test_every_answer_carries_the_strict_policy(client):
    assert client.get("/")["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@pytest.mark.django_db
def test_only_the_staff_admin_gets_unfolds_relaxations(client):
    admin = client.get("/admin/login/")["Content-Security-Policy"]
    assert "'unsafe-eval'" in admin
    assert "'unsafe" not in client.get("/accounts/login/")["Content-Security-Policy"]


@pytest.mark.django_db
def test_an_answer_names_its_request(client):
    assert client.get("/")["Request-Id"].startswith("req_")
    assert client.get("/", headers={"Request-Id": "req_0123456789"})["Request-Id"] == "req_0123456789"
    assert client.get("/", headers={"Request-Id": "<script>"})["Request-Id"] != "<script>"


@pytest.mark.django_db
def test_security_headers(client):
    page = client.get("/")
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.django_db
def test_nobody_signs_up_by_themselves(client):
    page = client.post("/accounts/signup/", {"email": "a@example.com", "password1": "x" * 20, "password2": "x" * 20})
    from django.contrib.auth import get_user_model

    assert page.status_code == 200
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("name", ["../secret_key", "nothing.png", "a.svg", "..%2fsecret_key"])
@pytest.mark.django_db
def test_only_logos_are_public(client, name):
    assert client.get(f"/media/logos/{name}").status_code == 404


def test_debug_is_off():
    assert settings.DEBUG is False
