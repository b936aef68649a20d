"""Colours for the stage, plotly and matplotlib: safe for colour-blind readers, and never the only sign."""

from __future__ import annotations

BLUE, ORANGE, WHITE, GREY, INK = "#0072b2", "#e69f00", "#ffffff", "#767676", "#1a1a1a"
LINES = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9")  # Okabe and Ito's, in the order of use
DASHES = ("solid", "dot", "longdash", "dashdot")  # the next dash when the colours begin again
SYMBOLS = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
)  # one a class
BANDS = 20  # of P(class 1): blue 0, white the boundary, orange 1
RISING = [(0.0, "#e1eef6"), (0.6, BLUE), (1.0, INK)]  # of another quantity; darker is more
NAMES = 24  # below a row of bars; of more only some are written
CALM = [(0.0, "rgba(90,90,90,0)"), (1.0, "rgba(90,90,90,0.85)")]  # disagreement, laid over a field


def line_style(i: int, dash: bool = False) -> dict[str, str]:
    """Colour and dash of line i, as plotly names them.

    >>> line_style(1, dash=True)
    {'color': '#e69f00', 'dash': 'dash'}
    """
    dashes = DASHES[i // len(LINES) % len(DASHES)]
    return {"color": LINES[i % len(LINES)], "dash": "dash" if dash else dashes}


def point_style(label: int) -> dict[str, str]:
    """Colour and symbol of a class, as plotly names them.

    >>> point_style(1)
    {'color': '#e69f00', 'symbol': 'square'}
    """
    again = label // len(LINES)
    return {"color": LINES[label % len(LINES)], "symbol": SYMBOLS[(label + again) % len(SYMBOLS)]}


def scale_bands(bands: int = BANDS) -> list[tuple[float, str]]:
    """The colours of P(class 1) in bands, as a plotly colour scale: what the stage paints.

    An odd number of bands has a neutral one in the middle, for what differs from 0.

    >>> scale_bands()[0], len(scale_bands())
    ((0.0, 'rgb(11,120,181)'), 40)
    """
    scale = []
    for band in range(bands):
        middle = (band + 0.5) / bands
        end, weight = BLUE if middle < 0.5 else ORANGE, abs(2 * middle - 1) ** 0.85
        mixed = (round(255 + (part - 255) * weight) for part in rgb(end))
        colour = f"rgb({','.join(map(str, mixed))})"
        scale += [(band / bands, colour), ((band + 1) / bands, colour)]
    return scale


def rgb(colour: str) -> tuple[int, ...]:
    """Red, green and blue of "#rrggbb", 0 … 255."""
    return tuple(bytes.fromhex(colour[1:]))


def faint(colour: str, share: float = 0.2) -> str:
    """A colour that lets things behind it show, for bands.

    >>> faint("#0072b2")
    'rgba(0,114,178,0.2)'
    """
    return f"rgba({','.join(map(str, rgb(colour)))},{share})"
