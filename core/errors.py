"""The one base class of every refusal that a person may read."""

from __future__ import annotations


def gettext_noop(message: str) -> str:
    """Mark `message` for the translators' catalogue and return it untouched (the core knows no locale)."""
    return message


class OstinatoError(Exception):
    """A request that is refused, told in words: a named subclass beside what raises it.

    `amounts` names the holes that are amounts in minor units: an edge that knows the currency formats them.
    `code` is Stripe's error code where Stripe has one, else our own in the same style. `param` names the
    field at fault as the caller wrote it ("items[0][price]"). `message_id` is plain English with
    %(named)s holes: the edges translate it first and fill it after, with `gettext(e.message_id) % e.params`,
    so a literal percent sign is written %%.
    """

    code: str = ""
    param: str = ""
    amounts: tuple[str, ...] = ()
    message_id: str = gettext_noop("The request cannot be done.")

    def __init__(self, message_id: str = "", *, param: str = "", **params: object) -> None:
        # The positional argument alone goes to Exception: a pickled error then comes back whole.
        super().__init__(message_id)
        self.message_id = message_id or type(self).message_id
        self.param = param or type(self).param
        self.params = params

    @property
    def message(self) -> str:
        """The English sentence, its holes filled."""
        return self.message_id % self.params

    def __str__(self) -> str:
        return self.message
