"""The command line: the first word chooses a module of `vaelab.command`; all imports are light."""

import ast
import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

from vaelab import __version__
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError

COMMANDS = Path(__file__).resolve().parent / "command"
USAGE = "usage: vaelab COMMAND [ARGUMENTS]    (vaelab COMMAND --help says more)"


def commands() -> dict[str, str]:
    """Every command and the first line of its module's docstring; no command is imported."""
    found = {}
    for path in sorted(COMMANDS.glob("[!_]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = docstring.partition("\n")[0].rstrip(".")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 a run failed, 2 a mistake, 130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    try:
        status = dispatch(words)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"vaelab: {' '.join(str(error).split())}", file=sys.stderr)
        return getattr(error, "status", 2)
    except SystemExit as error:  # argparse's --help
        return error.code if isinstance(error.code, int) else 0
    except KeyboardInterrupt as error:
        how = str(error) or "the same command"
        print(f"vaelab: interrupted; {how} continues", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read us (`| head`) has left; what is still buffered must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return unexpected(error)


def dispatch(words: list[str]) -> int:
    """Import and run the command that the first word names."""
    if not words or words[0] in ("-h", "--help", "help"):
        return overview()
    if words[0] in ("--version", "-V"):
        print(f"vaelab {__version__}")
        return 0
    name, arguments = words[0], words[1:]
    if not (COMMANDS / f"{name}.py").is_file() or name.startswith(("_", ".", "/")):
        known = list(commands())
        raise UserError(f"{name}: no such command{nearest(name, known)}")
    return importlib.import_module(f"vaelab.command.{name}").run(arguments)


def overview() -> int:
    """Print the commands, then every group with its options."""
    from vaelab.composing import groups

    print(USAGE, "\n\nCommands")
    for name, text in commands().items():
        print(f"  {name:<12} {text}")
    folder = groups.config_dir()
    print("\nGroups: choose an option with GROUP=OPTION, as in `vaelab train prior=vamp`")
    print(groups.listing(folder))
    print("\nvaelab train --help lists the settings; VAELAB_TRACEBACK=1 shows tracebacks.")
    return 0


def unexpected(error: Exception) -> int:
    """Say in one line what went wrong and where the traceback was written."""
    if os.environ.get("VAELAB_TRACEBACK"):
        traceback.print_exception(error)
        return 1
    with tempfile.NamedTemporaryFile(
        "w", prefix="vaelab-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(error, file=log)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"vaelab: {reason[:300]} (this is a fault of vaelab; see {log.name})", file=sys.stderr)
    return 1
