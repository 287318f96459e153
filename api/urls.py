"""Everything under /v1 goes through one door; api/routes.py knows the operations."""

from django.urls import path, re_path

from api.views import openapi, v1

app_name = "api"
urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    path("", v1, name="root"),
    re_path(r"^(?P<path>[\s\S]+)\Z", v1, name="v1"),  # a line's end in an address is no way round the door
]
