"""What the fake knows: accounts, objects, events, idempotent answers. One lock around all of it."""

import json
import random
import string
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.fake_stripe.errors import missing

Json = dict[str, Any]
DAY = 86_400
KEY_LIFETIME = DAY
_LETTERS = string.ascii_letters + string.digits


@dataclass
class Answer:
    """What an idempotency key replays."""

    request: str
    status: int
    body: Json
    at: float


@dataclass
class Account:
    """One Stripe account with all that is in it, each kind in the order of its making."""

    id: str
    keys: set[str] = field(default_factory=set)
    country: str = "CA"
    objects: dict[str, dict[str, Json]] = field(default_factory=lambda: defaultdict(dict))
    answers: dict[str, Answer] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # payment method -> test token
    authenticated: set[str] = field(default_factory=set)  # payment methods that were, once
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by intent
    settles: dict[str, float] = field(default_factory=dict)  # intent or refund -> its moment


class Books:
    """The state. `now` runs with the wall, plus what was skipped with `advance`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.accounts: dict[str, Account] = {}
        self.skipped = 0.0
        self.started = None  # a fixed beginning, for tests with fixed dates
        self.dice = random.Random(7)
        self.deliveries: list[Any] = []
        self.calls: list[tuple[str, str, str]] = []  # (method, path, idempotency key)

    @property
    def now(self) -> float:
        return (self.started if self.started is not None else time.time()) + self.skipped

    def open_account(self, api_key: str, account_id: str = "", country: str = "CA") -> Account:
        """An account and a key to it; a second key to the same one with its id."""
        with self.lock:
            account_id = account_id or self.new_id("acct")
            account = self.accounts.setdefault(account_id, Account(account_id, country=country))
            account.keys.add(api_key)
            return account

    def account_of(self, api_key: str) -> Account | None:
        return next((account for account in self.accounts.values() if api_key in account.keys), None)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_" + "".join(self.dice.choices(_LETTERS, k=24))

    def advance(self, seconds: float) -> None:
        with self.lock:
            self.skipped += seconds

    def find(self, account: Account, kind: str, object_id: str, param: str = "id") -> Json:
        found = account.objects[kind].get(object_id)
        if found is None:
            raise missing(kind, object_id, param)
        return found

    def add(self, account: Account, kind: str, prefix: str, **fields: Any) -> Json:
        made = {"id": self.new_id(prefix), "object": kind, "created": int(self.now), **fields}
        account.objects[kind][made["id"]] = made
        return made

    def tell(self, account: Account, type: str, body: Json, previous: Json | None = None) -> Json:
        """An event, to be delivered to the account's endpoints when somebody flushes."""
        data: Json = {"object": json.loads(json.dumps(body))}
        if previous is not None:
            data["previous_attributes"] = previous
        return self.add(
            account,
            "event",
            "evt",
            api_version="2026-08-26.dahlia",
            data=data,
            livemode=False,
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
            type=type,
        )

    def audit(self, account_id: str) -> Json:
        """The account's own books: what was taken, what went back, what is disputed."""
        with self.lock:
            account = self.accounts[account_id]
            return json.loads(
                json.dumps(
                    {
                        kind: list(account.objects[kind].values())
                        for kind in ("payment_intent", "charge", "refund", "dispute", "balance_transaction")
                    }
                )
            )

    def forget_old_keys(self, account: Account) -> None:
        for key in [key for key, answer in account.answers.items() if self.now - answer.at >= KEY_LIFETIME]:
            del account.answers[key]
