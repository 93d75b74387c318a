r"""Text as LaTeX sets it with \usepackage{booktabs} alone."""

import re
import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": r"$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "…": r"\ldots{}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "‖": r"\textbardbl{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
# Letters beyond ASCII of which each was compiled: OT1 fonts have no others (ą, ŋ, ħ, «).
LETTERS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĀāĂăĆćĈĉĊċČčĎďĒēĔĕĖėĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭİı"
    "ĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŴŵŶŷŸŹźŻżŽž"
    "αβγδεζηθικλμνξοπρστυφχψω\N{EN DASH}\N{EM DASH}"
)
# Of which the signs are read as another: -- is a dash, and ?` turns a question mark.
LIGATURE = re.compile(r"(?<=[-`'?!,])(?=[-`',])")


def escape(text: str) -> str:
    """Text that TeX sets as it is; a letter that it has no font for by its number."""
    return LIGATURE.sub("{}", "".join(map(letter, spaced(text))))


def spaced(text: str) -> str:
    """Without characters that nothing is seen of."""
    return "".join(one if one.isprintable() else " " for one in text)


def letter(character: str) -> str:
    """One character."""
    if (known := SPECIAL.get(character)) is not None:
        return known
    if character.isascii() or character in LETTERS:
        return _greek(character)
    return f"[U+{ord(character):04X}]"


def _greek(character: str) -> str:
    """A Greek letter in maths, where every font has it; anything else as it is."""
    words_of = unicodedata.name(character, "").split()
    if words_of[:3] == ["GREEK", "SMALL", "LETTER"] and len(words_of) == 4:
        name = words_of[3].lower().replace("lamda", "lambda")  # as Unicode spells it
        return "o" if name == "omicron" else f"$\\{name}$"
    return character
