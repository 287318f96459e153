"""Every address: the faces bring their own."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import TemplateView
from django.views.i18n import set_language

from api.views import shared_file, v1
from billing_site.views import brand_css, healthz, media, metrics, readyz


def _face(prefix: str, app: str) -> list:
    return [path(prefix, include(f"{app}.urls"))] if find_spec(f"{app}.urls") else []


urlpatterns = [
    path("", TemplateView.as_view(template_name="landing.html"), name="landing"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/set-language/", set_language, name="set_language"),
    path("brand/<str:digits>.css", brand_css, name="brand_css"),
    path("links/<str:token>", shared_file, name="shared_file"),
    path("media/logos/<path:name>", media, name="media"),
    *_face("webhooks/", "payments"),
    *_face("v1/", "api"),
    re_path(r"^v2/", v1),  # nothing is there, which a client is told in its own shape
    *_face("dashboard/", "dashboard"),
    *_face("", "portal"),
]
