"""Arguments of a command, with every complaint in one line."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from vaelab.errors import UserError


class Arguments(argparse.ArgumentParser):
    """argparse that raises our exception and abbreviates nothing."""

    def __init__(self, command: str, usage: str) -> None:
        self.line = f"vaelab {command} {usage}"
        super().__init__(prog=f"vaelab {command}", allow_abbrev=False, add_help=False)
        self.add_argument("-h", "--help", action="store_true")

    def error(self, message: str) -> NoReturn:
        """A complaint of argparse."""
        raise UserError(f"{message} (usage: {self.line})")

    def required(self, value: str | None, name: str) -> str:
        """A positional argument that only --help may do without."""
        if value is None:
            self.error(f"{name} is missing")
        return value

    def explain(self, text: str | None) -> int:
        """Answer --help."""
        print(f"usage: {self.line}\n\n{text}")
        return 0


def whole(least: int) -> Callable[[str], int]:
    """A type of argparse: a whole number from `least` up."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text}: must be a whole number, {least} or more")
        return int(text)

    return read
