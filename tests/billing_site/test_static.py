"""Static files as production serves them: hashed, compressed, and all of them there."""

import json

import pytest
from django.conf import settings
from django.core.management import call_command


@pytest.mark.slow
def test_collectstatic_hashes_every_file_that_pages_name(settings, tmp_path):
    from billing_site import settings as product

    settings.STORAGES = product.STORAGES
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    manifest = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    for name in ("vendor/tabler/tabler.min.css", "vendor/tabler/tabler.min.js", "vendor/echarts/echarts.common.min.js"):
        hashed = manifest[name]
        assert hashed != name
        assert (tmp_path / hashed).exists()
        assert (tmp_path / f"{hashed}.gz").exists()
    assert not [path for path in tmp_path.rglob("*.map") if "vendor" in path.parts]


def test_the_node_modules_are_not_served_as_a_whole():
    from django.contrib.staticfiles import finders

    assert finders.find("vendor/tabler/tabler.min.css")
    assert not finders.find("@tabler/core/package.json")
    assert not finders.find("vendor/tabler/tabler.css")
    assert settings.STATIC_ROOT
