"""What a test of another process may ask of the fake: POST /_fake/<name> with JSON."""

from typing import TYPE_CHECKING, Any

from tests.fake_stripe import checkout, hooks, intents, money, people

if TYPE_CHECKING:
    from tests.fake_stripe.server import FakeStripe


def steer(fake: "FakeStripe", name: str, given: dict[str, Any]) -> Any:
    """Do it, under the books' lock (deliveries aside: what receives them may call us)."""
    if name == "flush":
        return _flush(fake, given)
    with fake.books.lock:
        return _DOES[name](fake, given)


def _open_account(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    return {"id": fake.books.open_account(given["api_key"], given.get("account", "")).id}


def _advance(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    fake.books.advance(given["seconds"])
    for account in fake.books.accounts.values():
        for intent in list(account.objects["payment_intent"].values()):
            intents.settle(fake.books, account, intent)
        for refund in list(account.objects["refund"].values()):
            money.settle_refund(fake.books, account, refund)
    return {"now": fake.books.now}


def _throw(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    fake.faults.throw(given["rates"], given.get("seed", 1))
    return {}


def _arm(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    fake.faults.arm(**given)
    return {}


def _faults(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    return fake.faults.thrown


def _audit(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    return fake.books.audit(given["account"])


def _dispute(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    account = fake.books.accounts[given["account"]]
    charge = account.objects["charge"].get(given["charge"])
    if charge is None or charge["disputed"] or charge["refunded"]:
        return {}
    return money.open_dispute(fake.books, account, charge, given.get("reason", "fraudulent"))


def _close_dispute(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    return money.close_dispute(fake.books, fake.books.accounts[given["account"]], given["dispute"], given["status"])


def _authenticate(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    account = fake.books.accounts[given["account"]]
    return intents.authenticate(fake.books, account, given["intent"], approve=given["approve"])


def _enter(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    return checkout.enter(fake.books, fake.books.accounts[given["account"]], given["session"], given["token"])


def _replace_card(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    account = fake.books.accounts[given["account"]]
    return people.replace_card(fake.books, account, given["method"], **given["card"])


def _flush(fake: "FakeStripe", given: dict[str, Any]) -> Any:
    """Deliver what waits: `lose`, `twice`, `mangle` are chances; `shuffle` reorders. Gives (event, mangled, status)."""
    account = fake.books.accounts[given["account"]]
    waiting = hooks.pending(fake.books, account)
    dice = fake.books.dice
    if given.get("shuffle"):
        dice.shuffle(waiting)
    told = []
    for delivery in waiting:
        if dice.random() < given.get("lose", 0):
            continue
        if dice.random() < given.get("mangle", 0):
            mangle = dice.choice(("body", "signature", "secret", "unsigned"))
            told.append([delivery.event["id"], mangle, hooks.deliver(delivery, mangle=mangle)])
        if dice.random() < given.get("stale", 0):
            old = int(delivery.event["created"]) - 3600 * 24 * 400
            told.append([delivery.event["id"], "stale", hooks.deliver(delivery, timestamp=old)])
        for _ in range(2 if dice.random() < given.get("twice", 0) else 1):
            told.append([delivery.event["id"], "", hooks.deliver(delivery)])
    return told


_DOES = {
    "open_account": _open_account,
    "advance": _advance,
    "throw": _throw,
    "arm": _arm,
    "faults": _faults,
    "audit": _audit,
    "dispute": _dispute,
    "close_dispute": _close_dispute,
    "authenticate": _authenticate,
    "enter": _enter,
    "replace_card": _replace_card,
}
