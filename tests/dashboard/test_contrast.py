"""The palette as it is written: every text colour can be read on every ground it stands on, in both lights."""

import re
from pathlib import Path

import pytest

from billing_site.brand import READABLE, contrast

TOKENS = Path("static/css/tokens.css").read_text(encoding="utf-8")
PAIRS = dict(re.findall(r"--o-([\w-]+): light-dark\((#[0-9a-f]{6}), (?=#)", TOKENS))
DARK = dict(re.findall(r"--o-([\w-]+): light-dark\(#[0-9a-f]{6}, (#[0-9a-f]{6})\)", TOKENS))
GROUNDS = ("ground", "surface", "raised", "sunken", "hover")
INKS = ("ink", "ink-2", "ink-3", "accent")
TONES = ("success", "warning", "danger", "info", "neutral")
TOGETHER = [(ink, ground) for ink in INKS for ground in GROUNDS] + [(f"{tone}-ink", f"{tone}-bg") for tone in TONES]


def rgb(digits: str) -> tuple[int, int, int]:
    return int(digits[1:3], 16), int(digits[3:5], 16), int(digits[5:7], 16)


@pytest.mark.parametrize("light", [PAIRS, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TOGETHER, ids=lambda name: name)
def test_text_can_be_read(light: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(rgb(light[ink]), rgb(light[ground])) >= READABLE


@pytest.mark.parametrize("light", [PAIRS, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("fill", ["accent-fill", "danger-fill"])
def test_white_can_be_read_on_buttons(light: dict[str, str], fill: str) -> None:
    assert contrast((255, 255, 255), rgb(light[fill])) >= READABLE
