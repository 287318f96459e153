"""Secrets at rest: bound to their row and column, opened by any key of the ring, never readable without one."""

import pytest

from payments.keys import API_KEY, WEBHOOK_SECRET, fingerprint, hint, open_secret, seal_secret
from payments.models import GatewayAccount
from payments.sealing import NONCE_BYTES, SealBroken, key_id, seal, sealing_key, unseal

OLD, NEW = sealing_key("an old secret"), sealing_key("a new secret")
NONCE = bytes(NONCE_BYTES)


def sealed(key: bytes = OLD, bound_to: str = "row 1") -> str:
    return seal("sk_test_secret", key=key, bound_to=bound_to, nonce=NONCE)


def test_what_was_sealed_opens_and_does_not_show():
    assert "sk_test" not in sealed()
    assert unseal(sealed(), keys={key_id(OLD): OLD, key_id(NEW): NEW}, bound_to="row 1") == "sk_test_secret"


@pytest.mark.parametrize(
    ("text", "keys", "bound_to"),
    [
        pytest.param(sealed(), {key_id(OLD): OLD}, "row 2", id="copied to another row"),
        pytest.param(sealed(), {key_id(NEW): NEW}, "row 1", id="without its key"),
        pytest.param(sealed(), {key_id(OLD): NEW}, "row 1", id="a key under another's name"),
        pytest.param(sealed()[:-4] + "AAAA", {key_id(OLD): OLD}, "row 1", id="altered"),
        pytest.param("sk_test_in_clear", {key_id(OLD): OLD}, "row 1", id="never sealed"),
        pytest.param("v1.." + "é", {"": OLD}, "row 1", id="no base64"),
    ],
)
def test_what_does_not_belong_together_does_not_open(text, keys, bound_to):
    with pytest.raises(SealBroken):
        unseal(text, keys=keys, bound_to=bound_to)


def test_a_column_does_not_open_as_another(settings):
    account = GatewayAccount(id="gwa_1", webhook_secret_sealed=seal_secret("gwa_1", API_KEY, "sk_test_x"))
    with pytest.raises(SealBroken):
        open_secret(account, WEBHOOK_SECRET)


def test_keys_rotate_the_newest_seals_and_the_others_still_open(settings):
    settings.ENCRYPTION_KEYS = ["first"]
    account = GatewayAccount(id="gwa_1", api_key_sealed=seal_secret("gwa_1", API_KEY, "sk_test_x"))
    settings.ENCRYPTION_KEYS = ["second", "first"]
    assert open_secret(account, API_KEY) == "sk_test_x"
    assert seal_secret("gwa_1", API_KEY, "y").split(".")[1] == key_id(sealing_key("second"))
    settings.ENCRYPTION_KEYS = ["second"]
    with pytest.raises(SealBroken):
        open_secret(account, API_KEY)


def test_no_secret_opens_to_nothing():
    assert open_secret(GatewayAccount(id="gwa_1"), API_KEY) == ""


def test_people_see_a_hint_and_stores_keep_a_fingerprint():
    assert hint("sk_test_0123456789abcdef4242") == "sk_test_…4242"
    assert fingerprint("a") != fingerprint("b")
    assert "sk_test" not in fingerprint("sk_test_0123")
