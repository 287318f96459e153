"""A merchant's colour as a style sheet: the CSP refuses inline styles, so it arrives as a file named after it."""

import re

WHITE = (255, 255, 255)
INK = (16, 19, 26)
NIGHT = (22, 26, 35)  # the dark theme's card surface
READABLE = 4.5  # WCAG AA for text
FALLBACK = "4f46e5"

Colour = tuple[int, int, int]


def parse_hex(text: str) -> str:
    """The six digits of a colour such as `#4F46E5`, or the fallback when the text is no colour."""
    digits = text.lstrip("#").lower()
    return digits if re.fullmatch(r"[0-9a-f]{6}", digits) else FALLBACK


def brand_stylesheet(digits: str) -> str:
    """Custom properties for one brand colour, with inks that can be read on it and shades of it that can be read."""
    colour = _rgb(digits)
    ink = max((WHITE, INK), key=lambda candidate: contrast(colour, candidate))
    on_light = _towards(colour, INK, WHITE)
    on_dark = _towards(colour, WHITE, NIGHT)
    return (
        f":root{{--brand:#{digits};--brand-ink:{_css(ink)};--brand-text:light-dark({_css(on_light)},{_css(on_dark)});}}"
    )


def contrast(one: Colour, other: Colour) -> float:
    """WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _towards(colour: Colour, goal: Colour, background: Colour) -> Colour:
    """The colour moved towards `goal` in tenths until it can be read on `background`."""
    for tenth in range(11):
        mixed = tuple(round(c + (g - c) * tenth / 10) for c, g in zip(colour, goal, strict=True))
        if contrast(mixed, background) >= READABLE:  # type: ignore[arg-type]
            return mixed  # type: ignore[return-value]
    return goal


def _rgb(digits: str) -> Colour:
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
