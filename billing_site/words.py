"""The words that people read: found in the sources, and kept in gettext catalogues room by room.

A room that brings its own `locale/` keeps the words of its code and of its templates; every other word is in the
top `locale/`. Canadian French begins as French, with its own punctuation, until somebody says it otherwise.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

LANGUAGES = ("fr", "fr_CA")
TOP = ""  # the room of everything that has no catalogue of its own
SUFFIXES = {".py", ".html", ".txt"}
# The API speaks English. What is not ours, or is no source, has no words of ours.
SKIPPED = {"tests", "var", "node_modules", "static", "docs", "examples", "scripts", "api", "migrations", "__pycache__"}
# What pages show of it all the same: why a key or an endpoint was refused, why a delivery failed.
SHOWN_OF_THE_API = ("api/keys.py", "api/webhooks")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Without a date: collecting twice on different days gives the same bytes.
HEADER = """\
# Ostinato: {words} in French ({language}).
msgid ""
msgstr ""
"Project-Id-Version: Ostinato\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

"""
Key = tuple[str | None, str]  # context, (first) English form


def key_of(message: Message) -> Key:
    return message.context or None, message.id if isinstance(message.id, str) else message.id[0]


def is_said(message: Message | None) -> bool:
    """Whether it has a translation: all its plural forms."""
    if message is None or message.fuzzy or not message.string:
        return False
    return isinstance(message.string, str) or all(message.string)


def rooms(root: Path) -> list[str]:
    """The rooms that bring their own words, and the top one."""
    return [TOP, *sorted(found.parent.name for found in root.glob("*/locale") if found.parent.name not in SKIPPED)]


def found_words(root: Path) -> dict[str, Catalog]:
    """What the sources under `root` ask to be translated, room by room, in the order of the files."""
    catalogues = {room: Catalog() for room in rooms(root)}
    for path in _sources(root):
        parts = path.relative_to(root).parts
        room = parts[1] if parts[0] == "templates" else parts[0]
        catalogue = catalogues[room if room in catalogues else TOP]
        text = path.read_text(encoding="utf-8")
        source = text if path.suffix == ".py" else _as_python(templatize(text, origin=str(path)))
        for line, ids, comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
            place = [(path.relative_to(root).as_posix(), line)]
            catalogue.add(ids, None, place, auto_comments=comments, context=context)
    return catalogues


def _as_python(templatized: str) -> str:
    """Django leaves a template's indentation in it, which means nothing to GNU gettext but much to Python."""
    return "\n".join(line.strip() for line in templatized.splitlines())


def _sources(root: Path) -> Iterator[Path]:
    for name in SHOWN_OF_THE_API:
        place = root / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.exists() else []
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder.name in SKIPPED or folder.name.startswith("."):
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and not SKIPPED.intersection(path.relative_to(root).parts):
                yield path


def kept_words(root: Path, language: str) -> dict[str, Catalog]:
    """The catalogues of one language as they are, room by room."""
    kept = {}
    for room in rooms(root):
        path = catalogue_path(root, room, language)
        if path.exists():
            with path.open("rb") as file:
                kept[room] = read_po(file, locale=language)
        else:
            kept[room] = Catalog(locale=language)
    return kept


def catalogue_path(root: Path, room: str, language: str) -> Path:
    return root / room / "locale" / language / "LC_MESSAGES" / "django.po"


def merged(found: Catalog, own: Catalog, elsewhere: dict[Key, Message], behind: dict[Key, Message]) -> Catalog:
    """`found` with the words of its own catalogue, else of another room's, else of the language behind."""
    said = {key_of(message): message for message in own if message.id}
    result = Catalog(locale=own.locale, fuzzy=False)
    for message in found:
        if not message.id:
            continue
        key = key_of(message)
        old = next((m for m in (said.get(key), elsewhere.get(key)) if is_said(m)), None)
        string = old.string if old else _canadian(behind[key].string or "") if key in behind else None
        if string and isinstance(string, str) != isinstance(message.id, str):
            string = None  # it became, or is no longer, a plural
        flags = message.flags - {"fuzzy"}
        result.add(message.id, string, _places(message), flags=flags, context=message.context)
    return result


def _places(message: Message) -> list[tuple[str, int]]:
    """The files alone: line numbers would change with every edit."""
    return [(name, 0) for name in dict.fromkeys(name for name, _line in message.locations)]


def _canadian(text: str | tuple[str, ...] | list[str]) -> str | tuple[str, ...]:
    """France sets a space before ; ! ?, Quebec none."""
    if isinstance(text, str):
        return re.sub("[ \u00a0\u202f]+([;!?])", r"\1", text)
    return tuple(re.sub("[ \u00a0\u202f]+([;!?])", r"\1", form) for form in text)


def collect_words(root: Path) -> dict[Path, bytes]:
    """Every catalogue as it should be; collecting again from what this wrote changes nothing."""
    found, written = found_words(root), {}
    behind: dict[Key, Message] = {}
    for language in LANGUAGES:
        kept = kept_words(root, language)
        elsewhere = {key_of(m): m for catalogue in kept.values() for m in catalogue if m.id and is_said(m)}
        results = {room: merged(found[room], kept[room], elsewhere, behind) for room in found}
        for room, catalogue in results.items():
            file = io.BytesIO(
                HEADER.format(words=f"the words of {room}" if room else "the words", language=language).encode()
            )
            file.seek(0, io.SEEK_END)
            write_po(file, catalogue, width=0, include_lineno=False, omit_header=True)
            written[catalogue_path(root, room, language)] = file.getvalue()
        behind = {key_of(m): m for catalogue in results.values() for m in catalogue if m.id and is_said(m)}
    return written


def unsaid_words(root: Path, language: str) -> list[str]:
    """What the sources ask for and a reader of `language` would see in English."""
    chain = [language, *([language.split("_")[0]] if "_" in language else [])]
    said = {key_of(m) for lang in chain for c in kept_words(root, lang).values() for m in c if m.id and is_said(m)}
    asked = {key_of(m) for catalogue in found_words(root).values() for m in catalogue if m.id}
    return sorted(english for _context, english in asked - said)
