"""Rooms that bring their own French: no sentence of theirs is left in English."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from django.conf import settings
from django.utils.translation import trans_real

KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "pgettext": ((1, "c"), 2)}


def sentences(folder: str) -> set[str]:
    found = extract_from_dir(str(Path(settings.BASE_DIR) / folder), method_map=[("**.py", "python")], keywords=KEYWORDS)
    return {
        f"{context}\x04{message}" if context else message
        for _, _, message, _, context in found
        if isinstance(message, str)
    }


@pytest.mark.parametrize("folder", ["notifications", "invoicing/pdf", "insights", "events"])
@pytest.mark.parametrize("language", ["fr", "fr-ca"])
def test_every_sentence_has_its_french(folder, language):
    known = trans_real.translation(language)
    untold = {sentence for sentence in sentences(folder) if not _knows(known, sentence)}
    assert not untold


def _knows(translations, sentence: str) -> bool:
    while translations is not None:
        if sentence in translations._catalog:
            return True
        translations = translations._fallback
    return False
