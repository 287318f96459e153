"""Error pages without secrets, whatever a library puts into its frames. Log lines: `billing_site.logs`."""

from __future__ import annotations

from collections.abc import ItemsView
from pprint import pformat
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from core.secrets import without_secrets


class ReportFilter(SafeExceptionReporterFilter):
    """Django's own filter knows settings and decorated functions; keys stand in the frames of libraries too."""

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        found = super().get_traceback_frame_variables(request, tb_frame)
        return {name: _shown(value) for name, value in found}.items()


def _shown(value: Any) -> Any:
    try:
        text = pformat(value)
    except Exception as error:  # an object that cannot be shown is shown as that
        return f"[{type(error).__name__}]"
    hidden = without_secrets(text)
    return value if hidden == text else hidden
