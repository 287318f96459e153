"""What a member of a merchant may do, by role. Pure."""

from enum import StrEnum


class Capability(StrEnum):
    """One kind of act. Looking is everybody's; nobody needs a capability for it."""

    CATALOG = "catalog"  # products, prices, coupons, tax rates, payment links
    CUSTOMERS = "customers"
    SUBSCRIPTIONS = "subscriptions"
    INVOICES = "invoices"  # finalize, send, collect, void, write off
    REFUNDS = "refunds"  # money that goes back
    TEST_CLOCKS = "test_clocks"
    SETTINGS = "settings"


EVERYTHING = frozenset(Capability)

# Support helps subscribers but neither sends money back nor changes what is sold; finance does both.
CAPABILITIES: dict[str, frozenset[Capability]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "finance": EVERYTHING - {Capability.SETTINGS},
    "support": frozenset({Capability.CUSTOMERS, Capability.SUBSCRIPTIONS, Capability.INVOICES, Capability.TEST_CLOCKS}),
    "read_only": frozenset(),
}


def may(role: str, capability: Capability) -> bool:
    """Whether the role may act; an unknown role may do nothing."""
    return capability in CAPABILITIES.get(role, frozenset())
