"""Every colour and size of the window; no other module holds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["accent", "ok", "warn", "bad", "prod", "plain"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, ``#RRGGBB``. ``…_bg`` is the ground that the colour of the same name is read on."""

    name: str
    bg: str
    surface: str
    rail: str
    line: str
    text: str
    muted: str
    accent: str  # fills, lines, the first series
    accent_text: str  # accent used as text
    accent_bg: str
    accent_hover: str
    on_accent: str
    ok: str
    ok_bg: str
    warn: str
    warn_bg: str
    bad: str
    bad_bg: str
    prod: str
    prod_bg: str
    plain_bg: str  # a quiet pill, hovered rows
    hover: str  # a secondary button or rail entry under the pointer
    handle: str  # scroll bars, empty part of a progress bar
    disabled: str  # text of what cannot be used now
    scrim: str  # laid over the window while something is asked in front of it

    @property
    def series(self) -> tuple[str, ...]:
        """Chart colours, in the order in which series take them."""
        return (self.accent, self.warn, self.bad, self.ok, self.prod)

    def pair(self, tone: Tone) -> tuple[str, str]:
        """(text, ground) of a pill in ``tone``."""
        if tone == "plain":
            return self.muted, self.plain_bg
        if tone == "accent":
            return self.accent_text, self.accent_bg
        return getattr(self, tone), getattr(self, f"{tone}_bg")


LIGHT = Tokens(
    name="light",
    bg="#F6F7F9",
    surface="#FFFFFF",
    rail="#FFFFFF",
    line="#E3E6EB",
    text="#1B2330",
    muted="#5F6A7E",
    accent="#2F6FED",
    accent_text="#2360D8",
    accent_bg="#E9F0FE",
    accent_hover="#2360D8",
    on_accent="#FFFFFF",
    ok="#0F7A57",
    ok_bg="#E4F5EE",
    warn="#A15C07",
    warn_bg="#FDF1DD",
    bad="#C0362C",
    bad_bg="#FCEAE8",
    prod="#7A3EB1",
    prod_bg="#F3EAFB",
    plain_bg="#EFF1F5",
    hover="#F1F3F7",
    handle="#D5DAE2",
    disabled="#9AA4B5",
    scrim="#3A4356",
)
DARK = Tokens(
    name="dark",
    bg="#14171C",
    surface="#1C2027",
    rail="#181B21",
    line="#2B313B",
    text="#E6E9EF",
    muted="#98A2B3",
    accent="#6C9BFF",
    accent_text="#6C9BFF",
    accent_bg="#1F2C47",
    accent_hover="#8AB0FF",
    on_accent="#14171C",
    ok="#4CC38A",
    ok_bg="#17332A",
    warn="#F0B454",
    warn_bg="#3A2D14",
    bad="#FF7B72",
    bad_bg="#3C1F1E",
    prod="#C89BF0",
    prod_bg="#2E2140",
    plain_bg="#262B34",
    hover="#232833",
    handle="#3A424F",
    disabled="#5F6A7B",
    scrim="#000000",
)

READABLE_PAIRS = (
    *[(ink, ground) for ink in ("text", "muted") for ground in ("bg", "surface", "rail", "plain_bg", "hover")],
    *[(ink, f"{ink}_bg") for ink in ("ok", "warn", "bad", "prod")],
    *[(ink, ground) for ink in ("ok", "warn", "bad", "prod", "accent_text") for ground in ("bg", "surface")],
    ("accent_text", "accent_bg"),
    ("accent_text", "rail"),
    ("text", "accent_bg"),
    ("muted", "accent_bg"),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("on_accent", "bad"),
)
"""Every (text, ground) pair that the window uses; a test holds each at 4.5:1 or better in both themes."""

FAMILY = "Inter"
TITLE, FIGURE, HEADING, TEXT, CAPTION = 22, 24, 14, 13, 12  # pixels at 100 %
MARGIN_X, MARGIN_Y, GAP, PADDING_X, PADDING_Y = 28, 22, 14, 16, 14
SCROLL_BAR = 10  # pixels wide
WIDEST = 1440  # pixels of fields and cards: what is wider is hard to read
CARD_RADIUS, CONTROL_RADIUS, ROW_HEIGHT, CONTROL_HEIGHT = 10, 6, 34, 32
