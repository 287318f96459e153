"""`{% sparkline values %}`: server-rendered SVG, coloured by the style sheet."""

from collections.abc import Sequence
from typing import Any

from django import template

from dashboard.charts import sparkline_area, sparkline_path, sparkline_points

register = template.Library()


@register.inclusion_tag("dashboard/_sparkline.html")
def sparkline(values: Sequence[int]) -> dict[str, Any]:
    points = sparkline_points(values)
    return {"line": sparkline_path(values), "area": sparkline_area(values), "end": points[-1] if points else None}
