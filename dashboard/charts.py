"""A sparkline as an SVG path: figures in, a string out. Pure."""

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 96, 30, 3


def draws(values: Sequence[int]) -> bool:
    """Whether there is a line to draw: two points at least, and not all of them zero."""
    return len(values) > 1 and any(values)


def sparkline_points(values: Sequence[int]) -> list[tuple[int, int]]:
    """The values on a grid ten times the drawing's, so that whole numbers are precise enough."""
    if not draws(values):
        return []
    low, high = min(values), max(values)
    span = (high - low) or 1
    inner = (HEIGHT - 2 * MARGIN) * 10
    return [
        (n * WIDTH * 10 // (len(values) - 1), MARGIN * 10 + inner - (value - low) * inner // span)
        for n, value in enumerate(values)
    ]


def sparkline_path(values: Sequence[int]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in sparkline_points(values)) if draws(values) else ""


def sparkline_area(values: Sequence[int]) -> str:
    """The same line closed along the bottom."""
    line = sparkline_path(values)
    return f"{line}L{WIDTH * 10} {HEIGHT * 10}L0 {HEIGHT * 10}Z" if line else ""
