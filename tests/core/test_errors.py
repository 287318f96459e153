import copy
import pickle

from core.errors import OstinatoError
from core.money import UnknownCurrency


def test_a_refusal_reads_as_a_sentence():
    assert str(UnknownCurrency(currency="zzz")) == "“zzz” is not a currency that can be billed in."


def test_a_refusal_can_be_translated_before_it_is_filled():
    refusal = UnknownCurrency(currency="zzz")
    french = {refusal.message_id: "« %(currency)s » n’est pas une devise facturable."}
    assert french[refusal.message_id] % refusal.params == "« zzz » n’est pas une devise facturable."


def test_a_refusal_names_the_field_as_the_caller_wrote_it():
    assert UnknownCurrency(currency="zzz").param == "currency"
    assert UnknownCurrency(currency="zzz", param="price_data[currency]").param == "price_data[currency]"


def test_a_refusal_survives_the_way_between_processes():
    refusal = UnknownCurrency(currency="zzz", param="price_data[currency]")
    for copied in (pickle.loads(pickle.dumps(refusal)), copy.copy(refusal)):
        assert isinstance(copied, UnknownCurrency)
        assert (copied.message, copied.param, copied.code) == (refusal.message, refusal.param, refusal.code)


def test_a_bare_refusal_still_says_something():
    assert OstinatoError().message == "The request cannot be done."
    assert OstinatoError("Only %(left)s left.", left=3).message == "Only 3 left."
