"""The two pages that Stripe would show: a Checkout to enter a card, and the bank's authentication."""

from html import escape

from tests.fake_stripe.books import Account, Books
from tests.fake_stripe.cards import CARD_NUMBERS, TOKENS
from tests.fake_stripe.checkout import enter
from tests.fake_stripe.errors import missing
from tests.fake_stripe.intents import authenticate

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><body style="font:16px sans-serif;max-width:30em;margin:3em auto">
<h1>{title}</h1><p>{error}</p><form method="post">{fields}</form></body></html>"""


def owner_of(books: Books, kind: str, object_id: str) -> Account:
    for account in books.accounts.values():
        if object_id in account.objects[kind]:
            return account
    raise missing(kind, object_id)


def show(books: Books, page: str, object_id: str, error: str = "") -> str:
    if page == "checkout":
        owner_of(books, "checkout.session", object_id)
        choices = "".join(f"<option>{escape(name)}</option>" for name in TOKENS)
        fields = (
            '<p><label>Card number <input name="number" inputmode="numeric" autocomplete="off"></label></p>'
            f'<p><label>or a test token <select name="token"><option></option>{choices}</select></label></p>'
            "<button>Save</button>"
        )
        return _PAGE.format(title="Checkout of the fake", error=escape(error), fields=fields)
    owner_of(books, "payment_intent", object_id)
    buttons = '<button name="answer" value="yes">Approve</button> <button name="answer" value="no">Fail</button>'
    return _PAGE.format(title="Your bank asks", error=escape(error), fields=buttons)


def submit(books: Books, page: str, object_id: str, form: dict[str, str]) -> tuple[str, str]:
    """(where to go on, or an error to show)."""
    if page == "checkout":
        account = owner_of(books, "checkout.session", object_id)
        token = form.get("token") or CARD_NUMBERS.get(form.get("number", "").replace(" ", ""), "")
        if token not in TOKENS:
            return "", "Your card number is invalid."
        session = enter(books, account, object_id, token)
        return (session["success_url"], "") if session["status"] == "complete" else ("", "Your card was declined.")
    account = owner_of(books, "payment_intent", object_id)
    back = account.objects["payment_intent"][object_id]["next_action"]["redirect_to_url"]["return_url"]
    authenticate(books, account, object_id, approve=form.get("answer") == "yes")
    return f"{back}?payment_intent={object_id}", ""
