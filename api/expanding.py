"""`expand[]`: ids in an answer replaced by their objects, read in bulk, at most four deep as in Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.errors import OstinatoError, gettext_noop
from core.ids import id_prefix

DEPTH_MAX = 4

# Objects by id, of those ids that the merchant has.
Loader = Callable[[str, Sequence[str]], Mapping[str, dict[str, Any]]]


class NotExpandable(OstinatoError):
    code = "parameter_invalid"
    param = "expand"
    message_id = gettext_noop("This property cannot be expanded (%(path)s).")


class ExpandedTooDeep(OstinatoError):
    code = "parameter_invalid"
    param = "expand"
    message_id = gettext_noop("You cannot expand more than %(most)s levels of a property (%(path)s).")


def expand(body: dict[str, Any], paths: Iterable[str], *, merchant_id: str, loaders: Mapping[str, Loader]) -> None:
    """Replace the ids at `paths` ("data.customer", "latest_invoice.payments") in `body`, in place."""
    for path in sorted(set(paths)):
        steps = path.split(".")
        if len([step for step in steps if step != "data"]) > DEPTH_MAX:
            raise ExpandedTooDeep(most=DEPTH_MAX, path=path)
        holders = [body]
        for step in steps:
            holders = _step(holders, step, path, merchant_id, loaders)


def _step(
    holders: list[dict[str, Any]], step: str, path: str, merchant_id: str, loaders: Mapping[str, Loader]
) -> list[dict[str, Any]]:
    """The objects that `step` leads to from `holders`, after their ids were replaced."""
    if holders and not any(step in holder for holder in holders):
        raise NotExpandable(path=path)
    _load([holder for holder in holders if step in holder], step, path, merchant_id, loaders)
    reached: list[dict[str, Any]] = []
    for holder in holders:
        value = holder.get(step)
        reached.extend(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))
    return reached


def _load(holders: list[dict[str, Any]], step: str, path: str, merchant_id: str, loaders: Mapping[str, Loader]) -> None:
    ids = {one for holder in holders for one in _ids(holder[step])}
    found: dict[str, dict[str, Any]] = {}
    for prefix in {id_prefix(one) for one in ids}:
        loader = loaders.get(prefix)
        if loader is None:
            raise NotExpandable(path=path)
        found.update(loader(merchant_id, sorted(one for one in ids if id_prefix(one) == prefix)))
    for holder in holders:
        value = holder[step]
        if isinstance(value, list):
            holder[step] = [found.get(one, one) if isinstance(one, str) else one for one in value]
        elif isinstance(value, str):
            holder[step] = found.get(value, value)


def _ids(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and "_" in one]
