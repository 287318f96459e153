"""The port to payment processors (`base`) and its adapters; `gateway_named` finds one."""

from payments.gateways.base import Gateway, UnknownGateway
from payments.gateways.sandbox import SandboxGateway
from payments.gateways.stripe import StripeGateway

_GATEWAYS: dict[str, Gateway] = {gateway.name: gateway for gateway in (SandboxGateway(), StripeGateway())}


def gateway_named(name: str) -> Gateway:
    """The adapter that a merchant, an intent or a payment method names. Raises `UnknownGateway`."""
    try:
        return _GATEWAYS[name]
    except KeyError:
        raise UnknownGateway(gateway=name) from None
