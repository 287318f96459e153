"""Files that are handed over, to be named as evidence."""

from tests.fake_stripe.books import Json
from tests.fake_stripe.errors import invalid
from tests.fake_stripe.routing import Call, route

FILES = frozenset(
    {
        "cancellation_policy",
        "customer_communication",
        "customer_signature",
        "duplicate_charge_documentation",
        "receipt",
        "refund_policy",
        "service_documentation",
        "shipping_documentation",
        "uncategorized_file",
    }
)


@route("POST", "/v1/files")
def upload_file(call: Call) -> Json:
    file = call.params.get("file")
    if not isinstance(file, dict) or call.params.get("purpose") != "dispute_evidence":
        raise invalid("file", "A file for dispute_evidence is expected here.", "parameter_missing")
    return call.books.add(call.account, "file", "file", purpose="dispute_evidence", **file)
