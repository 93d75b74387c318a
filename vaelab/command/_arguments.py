"""Arguments of a command, with every complaint in one line."""

import argparse
from typing import NoReturn

from vaelab.errors import UserError


class Arguments(argparse.ArgumentParser):
    """argparse that raises our exception and abbreviates nothing."""

    def __init__(self, command: str, usage: str) -> None:
        super().__init__(
            prog=f"vaelab {command}",
            usage=f"vaelab {command} {usage}",
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this and stop")

    def error(self, message: str) -> NoReturn:
        """A complaint of argparse."""
        raise UserError(f"{message} (usage: {self.usage})")
