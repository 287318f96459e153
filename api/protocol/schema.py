"""What a request may carry, declared once per operation: named parameters, each with its type and bounds.

A schema turns the nested strings of `forms.decode` into typed values. What the caller did not send is absent from
the result; what it sent empty (`param=`) is None where the field may be cleared. A parameter that is not declared is
refused by name. Pure.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import OstinatoError, gettext_noop

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?([eE]-[0-9]{1,2})?")
_DIGITS_MAX = 20
_LATEST = 253402300799  # 31 December 9999
METADATA_KEYS_MAX, METADATA_KEY_MAX, METADATA_VALUE_MAX = 50, 40, 500


class ParameterUnknown(OstinatoError):
    code = "parameter_unknown"
    message_id = gettext_noop("Received unknown parameter: %(name)s")


class ParameterMissing(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("Missing required param: %(name)s.")


class ParameterEmpty(OstinatoError):
    code = "parameter_invalid_empty"
    message_id = gettext_noop(
        "You passed an empty string for '%(name)s'. It cannot be unset: leave it out or give a value."
    )


class ParameterNotInteger(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("Invalid integer: %(value)s")


class ParameterNotDecimal(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid decimal: %(value)s")


class ParameterNotBoolean(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid boolean: %(value)s")


class ParameterNotString(OstinatoError):
    code = "parameter_invalid_string"
    message_id = gettext_noop("Invalid string: %(name)s takes a single value.")


class ParameterTooLong(OstinatoError):
    code = "parameter_invalid_string"
    message_id = gettext_noop("Invalid string: %(name)s must be at most %(most)s characters.")


class ParameterOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("%(name)s must be from %(least)s to %(most)s.")


class ParameterNotChoice(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid %(name)s: must be one of %(choices)s")


class ParameterNotObject(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid hash: %(name)s")


class ParameterNotArray(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid array: %(name)s")


class TooManyElements(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("%(name)s has at most %(most)s elements.")


class ParameterNotFile(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Invalid file: send %(name)s as a file in multipart/form-data.")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request. The bytes are in memory: the door looked at their number before."""

    name: str
    content: bytes

    def __str__(self) -> str:
        """As the log and the fingerprint of a repeated request have it."""
        return f"{self.name} ({len(self.content)} bytes, sha256 {hashlib.sha256(self.content).hexdigest()})"


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter. `read(value, name)` gives the typed value or raises; `clearable` lets it be sent empty.

    `told` is its JSON Schema, for the API's description.
    """

    read: Callable[[Any, str], Any]
    required: bool = False
    clearable: bool = False
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def parse(self, value: Any, name: str) -> Any:
        if value == "":
            if self.clearable:
                return None
            raise ParameterEmpty(param=name, name=name)
        return self.read(value, name)


Fields = Mapping[str, Field]


def parse(fields: Fields, values: Mapping[str, Any], parent: str = "") -> dict[str, Any]:
    """The typed values of those `fields` that were sent. Raises one named error for the first fault."""
    for key in values:
        if key not in fields:
            raise ParameterUnknown(param=_name(parent, key), name=_name(parent, key))
    result = {key: field.parse(values[key], _name(parent, key)) for key, field in fields.items() if key in values}
    for key, field in fields.items():
        if field.required and key not in result:
            raise ParameterMissing(param=_name(parent, key), name=_name(parent, key))
    return result


def _name(parent: str, key: str) -> str:
    return f"{parent}[{key}]" if parent else key


_TOLD_METADATA = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": METADATA_VALUE_MAX},
    "maxProperties": METADATA_KEYS_MAX,
}


def _told_timestamp(words: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "integer", "format": "unix-time", "minimum": 0, "maximum": _LATEST}
    return {"anyOf": [told, {"type": "string", "enum": list(words)}]} if words else told


def told_field(field: Field) -> dict[str, Any]:
    """A parameter's JSON Schema; what may be cleared may be sent empty."""
    told = dict(field.told)
    return {"anyOf": [told, {"type": "string", "maxLength": 0}]} if field.clearable else told


def told_object(fields: Fields) -> dict[str, Any]:
    """The JSON Schema of an object with these parameters and no others."""
    told: dict[str, Any] = {
        "type": "object",
        "properties": {name: told_field(field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    required = required_names(fields)
    return told | {"required": list(required)} if required else told


def required_names(schema: Fields) -> Sequence[str]:
    """For the documentation: the parameters that must be sent."""
    return [name for name, field in schema.items() if field.required]


def text(*, required: bool = False, clearable: bool = False, most: int = 5000) -> Field:
    """A string of at most `most` characters, without control characters that no column takes."""

    def read(value: Any, name: str) -> str:
        string = _string(value, name)
        if len(string) > most:
            raise ParameterTooLong(param=name, name=name, most=most)
        return string

    return Field(read, required, clearable, {"type": "string", "maxLength": most})


def upload(*, required: bool = False) -> Field:
    """A file in a multipart form, as `Upload`."""

    def read(value: Any, name: str) -> Upload:
        if not isinstance(value, Upload):
            raise ParameterNotFile(param=name, name=name)
        return value

    return Field(read, required, told={"type": "string", "format": "binary"})


def integer(*, required: bool = False, clearable: bool = False, least: int = -(10**15), most: int = 10**15) -> Field:
    def read(value: Any, name: str) -> int:
        string = _string(value, name)
        if not _INTEGER.fullmatch(string):
            raise ParameterNotInteger(param=name, value=string[:50])
        return _within(int(string), name, least, most)

    return Field(read, required, clearable, {"type": "integer", "minimum": least, "maximum": most})


def decimal(*, required: bool = False, clearable: bool = False) -> Field:
    """An exact decimal; floats never appear. `ParameterNotDecimal` for NaN and the like.

    The SDKs write a small one with an exponent (1E-12), which is as good within 20 digits of the point.
    """

    def read(value: Any, name: str) -> Decimal:
        string = _string(value, name)
        try:
            if _DECIMAL.fullmatch(string) and abs(Decimal(string).adjusted()) <= _DIGITS_MAX:
                return Decimal(f"{Decimal(string):f}")
        except InvalidOperation:
            pass
        raise ParameterNotDecimal(param=name, value=string[:50])

    return Field(read, required, clearable, {"type": "string", "format": "decimal"})


def boolean(*, required: bool = False) -> Field:
    def read(value: Any, name: str) -> bool:
        string = _string(value, name)
        if string not in ("true", "false"):
            raise ParameterNotBoolean(param=name, value=string[:50])
        return string == "true"

    return Field(read, required, told={"type": "boolean"})


def choice(*choices: str, required: bool = False, clearable: bool = False) -> Field:
    def read(value: Any, name: str) -> str:
        string = _string(value, name)
        if string not in choices:
            raise ParameterNotChoice(param=name, name=name, choices=", ".join(choices))
        return string

    return Field(read, required, clearable, {"type": "string", "enum": list(choices)})


def timestamp(*words: str, required: bool = False, clearable: bool = False) -> Field:
    """Seconds since 1970 as an aware UTC datetime, or one of `words` ("now") as itself."""

    def read(value: Any, name: str) -> datetime | str:
        string = _string(value, name)
        if string in words:
            return string
        if not _INTEGER.fullmatch(string):
            raise ParameterNotInteger(param=name, value=string[:50])
        return datetime.fromtimestamp(_within(int(string), name, 0, _LATEST), UTC)

    return Field(read, required, clearable, _told_timestamp(words))


def hash_of(fields: Fields, *, required: bool = False, clearable: bool = False) -> Field:
    """A nested object with its own declared parameters."""

    def read(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ParameterNotObject(param=name, name=name)
        return parse(fields, value, name)

    return Field(read, required, clearable, told_object(fields))


def list_of(field: Field, *, required: bool = False, clearable: bool = False, most: int = 100) -> Field:
    """An array in the order of its indexes; gaps between indexes are allowed, as in Stripe."""

    def read(value: Any, name: str) -> list[Any]:
        if not isinstance(value, Mapping) or not all(key.isascii() and key.isdigit() for key in value):
            raise ParameterNotArray(param=name, name=name)
        if len(value) > most:
            raise TooManyElements(param=name, name=name, most=most)
        ordered = sorted(value, key=lambda key: (len(key.lstrip("0")), key.lstrip("0")))
        return [field.parse(value[key], f"{name}[{key}]") for key in ordered]

    return Field(read, required, clearable, {"type": "array", "items": told_field(field), "maxItems": most})


def map_of(field: Field, *, required: bool = False, most: int = 50) -> Field:
    """Free keys (currencies), each with a value that `field` reads."""

    def read(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ParameterNotObject(param=name, name=name)
        if len(value) > most:
            raise TooManyElements(param=name, name=name, most=most)
        return {key: field.parse(raw, f"{name}[{key}]") for key, raw in value.items()}

    return Field(
        read, required, told={"type": "object", "additionalProperties": told_field(field), "maxProperties": most}
    )


def metadata() -> Field:
    """Free keys and values; an empty value removes its key, an empty `metadata` all of them (None)."""

    def read(value: Any, name: str) -> dict[str, str | None]:
        if not isinstance(value, Mapping):
            raise ParameterNotObject(param=name, name=name)
        if len(value) > METADATA_KEYS_MAX:
            raise TooManyElements(param=name, name=name, most=METADATA_KEYS_MAX)
        return {key: _metadata_value(key, raw, f"{name}[{key}]") for key, raw in value.items()}

    return Field(read, clearable=True, told=_TOLD_METADATA)


def merged_metadata(current: Mapping[str, str], sent: Mapping[str, str | None] | None) -> dict[str, str]:
    """The metadata after a request: keys sent are set, keys sent empty are removed, None removes all.

    Raises `TooManyElements` when more keys than the bound come together.
    """
    if sent is None:
        return {}
    merged = dict(current) | {key: value for key, value in sent.items() if value is not None}
    kept = {key: value for key, value in merged.items() if sent.get(key, value) is not None}
    if len(kept) > METADATA_KEYS_MAX:
        raise TooManyElements(param="metadata", name="metadata", most=METADATA_KEYS_MAX)
    return kept


def one_of(*readers: Field, required: bool = False, clearable: bool = False) -> Field:
    """The first of `readers` that takes the value. When none does, the last error that is not about the value's
    being no hash or array: of a text, what is wrong with the text."""

    def read(value: Any, name: str) -> Any:
        refusals: list[OstinatoError] = []
        for reader in readers:
            try:
                return reader.parse(value, name)
            except OstinatoError as refusal:
                refusals.append(refusal)
        shaped = (ParameterNotObject, ParameterNotArray, ParameterNotString)
        raise next((one for one in reversed(refusals) if not isinstance(one, shaped)), refusals[-1])

    return Field(read, required, clearable, {"anyOf": [dict(one.told) for one in readers]})


def _metadata_value(key: str, raw: Any, name: str) -> str | None:
    string = _string(raw, name)
    if len(key) > METADATA_KEY_MAX:
        raise ParameterTooLong(param=name, name=f"the key of {name}", most=METADATA_KEY_MAX)
    if len(string) > METADATA_VALUE_MAX:
        raise ParameterTooLong(param=name, name=name, most=METADATA_VALUE_MAX)
    return string or None


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ParameterNotString(param=name, name=name)
    return value


def _within(number: int, name: str, least: int, most: int) -> int:
    if not least <= number <= most:
        raise ParameterOutOfRange(param=name, name=name, least=least, most=most)
    return number


def fields(*groups: Fields, **named: Field) -> dict[str, Field]:
    """Fields gathered from `groups` and by name, for schemas that share parameters."""
    gathered: dict[str, Field] = {}
    for group in groups:
        gathered.update(group)
    return gathered | named


PAGE: Fields = {
    "limit": integer(least=1, most=100),
    "starting_after": text(most=200),
    "ending_before": text(most=200),
}
RANGE = one_of(
    timestamp(),
    hash_of({"gt": timestamp(), "gte": timestamp(), "lt": timestamp(), "lte": timestamp()}),
)
EXPAND: Fields = {"expand": list_of(text(most=200), most=20)}
METADATA: Fields = {"metadata": metadata()}
