"""Print a script that completes words with the tab key: completion bash, zsh or fish."""

import re
from pathlib import Path

from vaelab import cli
from vaelab.command import sample
from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.search import names

BASH = """_vaelab() {
  local IFS=$'\\n' typed=${COMP_LINE:0:COMP_POINT} word
  COMPREPLY=($(vaelab completion words "$typed" 2>/dev/null))
  word=${typed##* }
  # bash breaks words at "=": what stands before it must not be repeated.
  if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*=}"}"}")
  fi
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace
}
complete -F _vaelab vaelab"""
SCRIPTS = {
    "bash": BASH,
    "zsh": f"autoload -U +X compinit bashcompinit && compinit && bashcompinit\n{BASH}",
    "fish": "complete -c vaelab -f -a '(vaelab completion words (commandline -cp))'",
}
HELP = """Put one of these lines into your shell's start file:

  bash   eval "$(vaelab completion bash)"
  zsh    eval "$(vaelab completion zsh)"
  fish   vaelab completion fish | source"""
WITH_RUN = ("evaluate", "sample")
TABLES = ("reproduce", "table")
FLAGS = {
    "report": ("output=", "formats=", "tables=", "evaluation=", "--config-dir"),
    "diff": (),
    "runs": ("--watch", "--json"),
}
WITH_SETTINGS = ("train", "check", *WITH_RUN)


def run(arguments: list[str]) -> int:
    """Print a shell's script, or (called by it) the words that can follow."""
    if arguments[:1] == ["words"]:
        typed = arguments[1] if len(arguments) > 1 else ""
        print("\n".join(candidates(typed.split(" ")[1:] or [""])))
        return 0
    parser = Arguments("completion", "bash|zsh|fish")
    parser.add_argument("shell", nargs="?", choices=[*SCRIPTS, None], metavar="SHELL")
    given = parser.parse_args(arguments)
    if given.help or given.shell is None:
        return parser.explain(HELP)
    print(SCRIPTS[given.shell])
    return 0


def candidates(words: list[str]) -> list[str]:
    """Whole words that the last one can become; the first is the command."""
    last = words[-1]
    if len(words) == 1:
        found = list(cli.commands())
    elif words[0] == "completion":
        found = list(SCRIPTS)
    elif words[0] == "list":
        kinds = [f"{kind}s" for kind in groups.TABLES]
        found = [*groups.groups(groups.config_dir()), *kinds, "budget", "diagnosis"]
    elif words[0] == "diagnose":
        found = diagnoses(words[1:-1], last)
    elif words[0] in TABLES:
        found = tables(words[0], words[1:-1], last)
    elif words[0] == "search":
        found = searches(words[1:-1], last)
    elif words[0] in FLAGS:
        found = [*FLAGS[words[0]], *folders(last)]
    elif words[0] in WITH_SETTINGS:
        found = settings(words[1:-1], last)
        if words[0] == "sample":
            found += own(last)
        if words[0] in WITH_RUN and "=" not in last:
            found += folders(last)
    else:
        found = []
    return [word for word in found if word.startswith(last)]


def tables(command: str, before: list[str], last: str) -> list[str]:
    """Tables, figures, claims and budgets, then what can be set of their runs."""
    root = groups.config_dir()
    known = {kind: list(groups.options(kind, root)) for kind in (*groups.TABLES, "budget")}
    kind = last.partition("=")[0]
    if "=" in last and kind in known:
        return [f"{kind}={name}" for name in known[kind]]
    if command == "table" and not before:
        return [name for kind in groups.TABLES for name in known[kind]]
    own = [f"{kind}=" for kind in groups.TABLES] if command == "reproduce" else []
    return [*own, "budget=", "rows=", "columns=", "seeds=", *settings(before, last)]


def diagnoses(before: list[str], last: str) -> list[str]:
    """Names of diagnoses, then the settings of the one that is named, and run folders."""
    root = groups.config_dir()
    known = groups.options("diagnosis", root)
    if not before:
        return list(known)
    path = known.get(before[0])
    own = [f"{key}=" for key in keys_of(path)] if path else []
    return [*own, "lightning=", "threads=", "output_dir=", *folders(last)]


def searches(before: list[str], last: str) -> list[str]:
    """What a search has of its own and what that can be, then settings of its trials."""
    kinds = {
        "space": list(groups.options("search", groups.config_dir())),
        "metric": names.METRICS,
        "sampler": names.SAMPLERS,
        "pruner": names.PRUNERS,
    }
    name = last.partition("=")[0]
    if "=" in last and name in kinds:
        return [f"{name}={one}" for one in kinds[name]]
    own = [f"{name}=" for name in ("space", *names.OWN)]
    return [*own, "--dry-run", *settings(before, last)]


def own(last: str) -> list[str]:
    """Options of `sample` alone, and what they can be."""
    if "=" not in last:
        return [f"{name}=" for name in sample.OPTIONS]
    return [f"{name}={one}" for name, choices in sample.CHOICES.items() for one in choices]


def settings(before: list[str], last: str) -> list[str]:
    """Options of a group, else names: groups, settings, and below a dot those of its option."""
    root = groups.config_dir()
    mounts = groups.mounts(root)
    name, equals, value = last.partition("=")
    if equals:
        done = value.rpartition(",")[0]  # a sweep: prior=standard,va
        start = f"{name}={done}," if done else f"{name}="
        return [start + option for option in groups.options(mounts.get(name, name), root)]
    if "." in last:
        place = next((place for place in mounts if last.startswith(f"{place}.")), "")
        place = place or last.partition(".")[0]
        below = [f"{place}.{key}=" for key in keys(root, place, before)]
        return below + [f"{mount}=" for mount in mounts if "." in mount]
    known = [*groups.groups(root), *mounts, *groups.settings(root)]
    return [f"{name}=" for name in known] + ["--config-dir", "--help", "--multirun"]


def keys(root: Path, place: str, before: list[str]) -> list[str]:
    """Settings of the option chosen at a place, by the words before or by default."""
    chosen = {mount: option for _, mount, option in groups.defaults(root)}
    chosen |= {name: option for name, _, option in (word.partition("=") for word in before)}
    group = groups.mounts(root).get(place, place)
    return keys_of(groups.options(group, root).get(chosen.get(place, "")))


def keys_of(path: Path | None) -> list[str]:
    """Settings in an option's file."""
    text = path.read_text(encoding="utf-8") if path else ""
    return [
        key for key in re.findall(r"^(\w+):", text, re.M) if key[0] != "_" and key != "defaults"
    ]


def folders(typed: str) -> list[str]:
    """Folders that a path can become."""
    base, _, _ = typed.rpartition("/")
    start = f"{base}/" if "/" in typed else ""
    folder = Path(start or ".")
    return [f"{start}{one.name}/" for one in sorted(folder.glob("[!.]*")) if one.is_dir()]
