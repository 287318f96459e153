"""The doors of the house, in a real browser: nothing breaks the content security policy."""

import pytest

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_landing_page_opens_without_sideways_scrolling(browser_page, size):
    browser_page.set_viewport_size(size)
    assert browser_page.goto("/").ok
    assert browser_page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_static_file_of_the_landing_page_is_there(browser_page):
    missing = []
    browser_page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    browser_page.goto("/", wait_until="networkidle")
    assert not missing


def test_staff_log_in_to_the_admin(browser_page, django_user_model):
    django_user_model.objects.create_superuser("staff@example.com", "a long password")
    browser_page.goto("/admin/")
    browser_page.fill("input[name=login]", "staff@example.com")
    browser_page.fill("input[name=password]", "a long password")
    browser_page.click(".btn-primary[type=submit]")
    browser_page.wait_for_url("**/admin/")
    assert "Ostinato" in browser_page.title()
