"""A CSV export as rows of named cells. Pure: bytes in, rows with their line numbers out."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import OstinatoError, gettext_noop

MAX_BYTES = 256 * 1024 * 1024
DELIMITERS = ",;\t"


class FileIsEmpty(OstinatoError):
    code = "file_empty"
    param = "file"
    message_id = gettext_noop("The file is empty.")


class FileTooLarge(OstinatoError):
    code = "file_too_large"
    param = "file"
    message_id = gettext_noop("The file is larger than %(megabytes)s MB. Export it in parts.")


class NotATextFile(OstinatoError):
    code = "file_not_text"
    param = "file"
    message_id = gettext_noop("This is not a CSV file: it holds binary data. Export it as CSV, not as a workbook.")


class UnreadableEncoding(OstinatoError):
    code = "file_encoding"
    param = "file"
    message_id = gettext_noop(
        "Line %(line)s is not valid %(encoding)s. Save the file as UTF-8, or say its encoding (cp1252 for old Excel)."
    )


class UnknownEncoding(OstinatoError):
    code = "parameter_invalid"
    param = "encoding"
    message_id = gettext_noop("“%(encoding)s” is not an encoding that we know.")


class NoKnownColumns(OstinatoError):
    code = "file_header"
    param = "file"
    message_id = gettext_noop(
        "Line 1 names none of the columns of a product export (%(columns)s). "
        "Cells are separated by commas, semicolons or tabs."
    )


class ColumnsMissing(OstinatoError):
    code = "file_columns_missing"
    param = "file"
    message_id = gettext_noop("These columns are missing on line 1: %(columns)s.")


class ColumnTwice(OstinatoError):
    code = "file_column_twice"
    param = "file"
    message_id = gettext_noop("The column “%(column)s” is there twice on line 1.")


class BrokenCsv(OstinatoError):
    code = "file_broken"
    param = "file"
    message_id = gettext_noop("The file breaks off or is damaged at the row that begins on line %(line)s: %(detail)s.")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns a reader understands: canonical name -> other names they go by, and which must be there."""

    aliases: Mapping[str, Sequence[str]]
    required: Sequence[str]
    one_of: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row. `cells` by canonical name; a column that the file does not have reads as blank."""

    line: int
    cells: Mapping[str, str]
    width_error: tuple[int, int] | None = None  # (cells found, cells expected)

    def get(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """An export whose header was understood. `names` gives back a column's name as the file writes it."""

    names: Mapping[str, str]
    rows: Iterator[RawRow]

    def label(self, column: str) -> str:
        return self.names.get(column, column)


def read_table(content: bytes, layout: Layout, *, encoding: str = "utf-8") -> Table:
    """The rows of a CSV file. Raises the errors above; `BrokenCsv` also while rows are read."""
    text = _decode(content, encoding)
    if not text.strip():
        raise FileIsEmpty
    header, delimiter = _header(text, layout)
    places = _places(header, layout)
    return Table(
        names={column: header[index].strip() for column, index in places.items()},
        rows=_rows(text, delimiter, places, len(header)),
    )


def _decode(content: bytes, encoding: str) -> str:
    if len(content) > MAX_BYTES:
        raise FileTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            encoding = name
    if encoding != "utf-16" and b"\0" in content:
        raise NotATextFile
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableEncoding(line=line, encoding=encoding.upper()) from None
    except LookupError:
        raise UnknownEncoding(encoding=encoding) from None
    if "\0" in text:  # PostgreSQL keeps no such character either
        raise NotATextFile
    return text.removeprefix("\ufeff")


def _header(text: str, layout: Layout) -> tuple[list[str], str]:
    """The first row under the delimiter that makes most of its cells known."""
    known = {_folded(name) for names in layout.aliases.values() for name in names}
    best: tuple[int, list[str], str] = (0, [], "")
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        hits = sum(_folded(cell) in known for cell in header)
        if hits > best[0]:
            best = (hits, header, delimiter)
    if best[0] == 0:
        raise NoKnownColumns(columns=", ".join([*layout.one_of, *layout.required]))
    return best[1], best[2]


def _places(header: list[str], layout: Layout) -> dict[str, int]:
    """Canonical column -> its index. Columns that nobody reads may be there as often as they like."""
    by_name = {_folded(alias): column for column, names in layout.aliases.items() for alias in names}
    places: dict[str, int] = {}
    for index, cell in enumerate(header):
        column = by_name.get(_folded(cell))
        if column is None:
            continue
        if column in places:
            raise ColumnTwice(column=cell.strip())
        places[column] = index
    missing = [column for column in layout.required if column not in places]
    if layout.one_of and not any(column in places for column in layout.one_of):
        missing.append(" / ".join(layout.one_of))
    if missing:
        raise ColumnsMissing(columns=", ".join(missing))
    return places


def _rows(text: str, delimiter: str, places: Mapping[str, int], width: int) -> Iterator[RawRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    next(reader)
    line = reader.line_num + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) == width:
                    yield RawRow(line, {column: cells[index].strip() for column, index in places.items()})
                else:
                    yield RawRow(line, {}, width_error=(len(cells), width))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BrokenCsv(line=line, detail=str(error)) from None


def _folded(name: str) -> str:
    """A column's name without case, accents, typographic spaces and apostrophes: exports differ in these."""
    plain = unicodedata.normalize("NFKD", name.replace("’", "'")).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"\s+", " ", plain).replace(" ?", "?").strip()
