"""Mistakes a user can make: each is one line on the terminal, never a traceback."""


class UserError(Exception):
    """What the user asked for cannot be done; the message names the value, the rule and the remedy.

    The command line prints `vaelab: MESSAGE` and exits with status 2.
    """


class Interrupted(Exception):
    """Training was asked to stop (Ctrl-C or SIGTERM); the run can be resumed."""


class Pruned(Exception):
    """Training was ended early because it promised little; the run can be resumed."""


def one_line(text: object) -> str:
    """Somebody else's message, which may have many lines, for a line of ours."""
    return " ".join(str(text).split())
