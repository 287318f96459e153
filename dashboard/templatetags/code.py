"""JSON as a person reads it: indented, in colours, the ids in it leading to their pages."""

import json
import re
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.ids import id_prefix, is_id
from dashboard.selectors.details import page_of

register = template.Library()

# A string, with its colon where it is a key; else a word of JSON's own or a number.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?')


@register.filter
def json_code(value: Any) -> SafeString:
    """Marked up for `.json`; as text it is the very same JSON, so that it can be copied."""
    written = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    parts: list[str] = []
    end = 0
    for found in _TOKEN.finditer(written):
        parts += [written[end : found.start()], _marked(found)]
        end = found.end()
    return format_html_join("", "{}", ((part,) for part in [*parts, written[end:]]))


def _marked(found: re.Match[str]) -> SafeString:
    text, is_key = found[1], found[2]
    if text is None:
        return format_html('<span class="json-{}">{}</span>', "word" if found[0][0].isalpha() else "number", found[0])
    if is_key:
        return format_html('<span class="json-key">{}</span>{}', text, is_key)
    said = text[1:-1]
    address = page_of(said) if is_id(said, id_prefix(said)) else ""
    if address:
        return format_html('<a class="json-text" href="{}">{}</a>', address, text)
    return format_html('<span class="json-text">{}</span>', text)


@register.filter
def http_pill(status: int, before: str = "HTTP ") -> SafeString:
    """An answer's status, in the tone of its class."""
    tone = {2: "success", 3: "info", 4: "warning"}.get(status // 100, "danger")
    return format_html('<span class="pill pill-{} tabular">{}{}</span>', tone, before, status)


@register.filter
def as_json(text: str) -> Any:
    """What a text says where it is JSON; else None, and it is shown as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return None
