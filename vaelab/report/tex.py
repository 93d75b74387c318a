r"""Text and numbers as LaTeX sets them with \usepackage{booktabs} alone, and how wide they are."""

import re

from vaelab.reporting.tex import LETTERS, escape, letter, spaced

NUMBER = re.compile(r"(?<![\w.])([-+]?)(\d+(?:\.\d+)?|inf)(?:e([-+]?\d+))?(?![\w.])")
# Points of letters of 8 point type, none less than it is.
NARROW, WIDE, USUAL, CAPITAL = 3.6, 9.0, 4.9, 6.9
LONGER = {"…": "...."}
THIN, THICK = frozenset(" ijltfrI.,:;|!'()[]-"), frozenset("mwMW@%&#+=<>~^±")


def shown(character: str) -> str:
    """It, or the number that stands for it."""
    said = letter(character)
    return said if said.startswith("[U+") else character


def paragraph(text: str, points: float) -> str:
    """Text whose lines can be so wide: words that are wider break between any two letters."""
    words = []
    for word in spaced(text).split(" "):
        if width(word) > points:
            words.append(r"\allowbreak{}".join(map(letter, word)))
        else:
            words.append(escape(word))
    return " ".join(words)


def math(text: str) -> str:
    """Text with its numbers in math mode, where - is a minus: "25.00 ± 0.25 of 4.50"."""
    parts, end = [], 0
    for found in NUMBER.finditer(text):
        parts += [escape(text[end : found.start()]), number(*found.groups(default=""))]
        end = found.end()
    whole = "".join([*parts, escape(text[end:])])
    return whole.replace(r"$ $\pm$ $", r"\pm ")


def number(sign: str, digits: str, power: str) -> str:
    """One."""
    shown = r"\infty" if digits == "inf" else digits
    ten = rf"\cdot10^{{{int(power)}}}" if power else ""
    return f"${sign}{shown}{ten}$"


def width(text: str) -> float:
    """Points of a line in 8 point type, rather too many."""
    return sum(
        NARROW if one in THIN
        else WIDE if one in THICK or not (one.isascii() or one in LETTERS)
        else CAPITAL if one.isupper() or not one.isascii()
        else USUAL
        for one in "".join(LONGER.get(one) or shown(one) for one in text)
    )  # fmt: skip


def math_width(text: str) -> float:
    """The same of a text that `math` sets."""
    points = 0.0
    for part in re.split(r"( ± |[-+\d.e]+)", text):
        if part == " ± ":
            points += 11
        elif re.fullmatch(r"[-+\d.e]+", part):
            signs, power = part.count("-") + part.count("+"), part.count("e")
            points += 4.3 * len(part) + 2.4 * signs + 16 * power
        else:
            points += width(part)
    return points
