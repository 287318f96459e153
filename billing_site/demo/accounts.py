"""The people who log in: an owner, a member who only reads, and staff."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.conf import settings

from billing_site.demo.shop import DOMAIN
from core.context import Context
from merchants.models import Merchant, User
from merchants.services import add_member


@dataclass(frozen=True, slots=True)
class Login:
    role: str
    email: str
    first_name: str
    last_name: str
    locale: str = "fr-ca"
    staff: bool = False

    @property
    def password(self) -> str:
        """The same at each call on this installation, and no other installation's: derived from its secret key."""
        digest = hmac.new(settings.SECRET_KEY.encode(), f"demo {self.email}".encode(), hashlib.sha256).digest()
        text = base64.b32encode(digest).decode().lower()
        return "-".join(text[start : start + 4] for start in range(0, 12, 4))


OWNER = Login("owner", f"josee@{DOMAIN}", "Josée", "Lavoie")
READER = Login("read_only", f"comptable@{DOMAIN}", "Normand", "Audet")
STAFF = Login("staff", "staff@ostinato.example", "Sam", "Leclerc", locale="en", staff=True)
LOGINS = (OWNER, READER, STAFF)


def open_accounts(ctx: Context, merchants: list[Merchant]) -> None:
    """Make whoever is missing, with a verified address, and let members into the merchants."""
    for login in LOGINS:
        user = _user(login)
        for merchant in merchants if not login.staff else []:
            if not user.memberships.filter(merchant=merchant).exists():
                add_member(ctx=ctx, merchant_id=merchant.id, user=user, role=login.role)


def _user(login: Login) -> User:
    found = User.objects.filter(email=login.email).first()
    if found is not None:
        return found
    make = User.objects.create_superuser if login.staff else User.objects.create_user
    user: User = make(
        email=login.email,
        password=login.password,
        first_name=login.first_name,
        last_name=login.last_name,
        locale=login.locale,
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user
