"""What a restricted key may do: read or write, resource by resource, named after the addresses of /v1. Pure.

The permission that a refusal names is Stripe's form: `rak_customer_read`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from api.protocol.operation import Operation
from core.errors import OstinatoError, gettext_noop

READ, WRITE = "read", "write"
# Stripe's groups of addresses: what follows them is the resource.
_GROUPS = frozenset({"billing", "billing_portal", "checkout", "entitlements", "test_helpers", "tax"})
Scopes = Mapping[str, str]


class MorePermissionsNeeded(OstinatoError):
    code = "more_permissions_required"
    message_id = gettext_noop(
        "The provided key '%(key)s' does not have the required permissions for this endpoint on account"
        " '%(account)s'. Having the '%(permission)s' permission would allow this request to continue."
    )


class ScopeUnknown(OstinatoError):
    code = "parameter_invalid"
    param = "scopes"
    message_id = gettext_noop("There is no permission “%(name)s”.")


def resource_of(path: str) -> str:
    """/v1/customers/{id}/tax_ids -> customer; /v1/billing/meters -> billing_meter."""
    parts = path.removeprefix("/v1/").split("/")
    words = parts[:2] if parts[0] in _GROUPS and len(parts) > 1 else parts[:1]
    return _singular("_".join(words))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return re.sub(r"(?<=[^s])s$", "", word)


def access_of(method: str) -> str:
    return READ if method == "GET" else WRITE


def resources_of(operations: Iterable[Operation]) -> list[str]:
    """All that a key may be given, in the alphabet's order."""
    return sorted({resource_of(one.path) for one in operations})


def allows(scopes: Scopes | None, resource: str, access: str) -> bool:
    """Whoever may write may read; a key without scopes may do everything."""
    if scopes is None:
        return True
    given = scopes.get(resource, "")
    return given in (WRITE, access)


def permission(resource: str, access: str) -> str:
    return f"rak_{resource}_{access}"


def check_allowed(scopes: Scopes | None, *, method: str, path: str, key: str, account: str) -> None:
    """Raises `MorePermissionsNeeded`; `path` is the operation's, with its ids in braces."""
    check_resource(scopes, resource=resource_of(path), access=access_of(method), key=key, account=account)


def check_resource(scopes: Scopes | None, *, resource: str, access: str, key: str, account: str) -> None:
    """Raises `MorePermissionsNeeded`."""
    if not allows(scopes, resource, access):
        raise MorePermissionsNeeded(key=key, account=account, permission=permission(resource, access))


def checked_scopes(scopes: Scopes, known: Iterable[str]) -> dict[str, str]:
    """Those that give something. Raises `ScopeUnknown`."""
    names = frozenset(known)
    for name, access in scopes.items():
        if name not in names or access not in (READ, WRITE, "none"):
            raise ScopeUnknown(name=f"{name}: {access}"[:100])
    return {name: access for name, access in scopes.items() if access != "none"}
