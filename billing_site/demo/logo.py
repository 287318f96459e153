"""The shop's mark, drawn by code: a country road that ends under the sun."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

SIZE = 256
_SHARP = 4  # drawn larger and scaled down, for smooth edges


def logo_png(*, ground: str = "#7a2e1f", field: str = "#a4502f", light: str = "#f6dfb4") -> bytes:
    """A square PNG with rounded corners and a transparent outside."""
    side = SIZE * _SHARP
    mark = Image.new("RGB", (side, side), ground)
    pen = ImageDraw.Draw(mark)
    unit = side / 32  # the drawing's own grid

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x * unit, y * unit) for x, y in points]

    pen.ellipse(at((10.5, 6), (21.5, 17)), fill=light)
    pen.ellipse(at((-14, 15), (22, 51)), fill=field)
    pen.ellipse(at((10, 16), (48, 54)), fill="#8f4127")
    pen.polygon(at((15.2, 15.6), (16.8, 15.6), (24, 32), (8, 32)), fill=light)
    for top, bottom in ((17.5, 20), (22, 25), (27.5, 31.5)):
        width = 0.18 + (top - 15) * 0.035
        pen.polygon(
            at((16 - width, top), (16 + width, top), (16.2 + width, bottom), (15.8 - width, bottom)), fill=ground
        )
    corners = Image.new("L", (side, side), 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, side - 1, side - 1), radius=7 * unit, fill=255)
    mark.putalpha(corners)
    buffer = io.BytesIO()
    mark.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
