"""Look into trained runs: effective sample sizes, true posteriors, gradients."""

from pathlib import Path

from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.errors import UserError

USAGE = "NAME [RUN ...] [NAME=VALUE ...]"
HELP = """
  NAME is a diagnosis (vaelab list diagnosis); vaelab diagnose NAME --help shows its settings.
  RUN is a run folder, or a folder with one run below it. lightning=, threads= and output_dir=
  (of what is not of one run) are those of train. Files of one run go to RUN/diagnoses, others
  to OUTPUT_DIR/diagnoses; the same settings write the same files.

  vaelab diagnose ess RUN RUN samples=1000"""
ELSEWHERE = ("lightning", "threads", "output_dir")


def run(arguments: list[str]) -> int:
    """Diagnose and print where the files are."""
    parser = Arguments("diagnose", USAGE)
    parser.add_argument("words", nargs="*", metavar="NAME")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    folders = [groups.config_dir()]
    if given.config_dir is not None:
        folders.append(Path(given.config_dir).resolve())
    if given.help:
        about = settings(given.words[0], folders) if given.words else HELP
        return parser.explain(f"{__doc__}\n{about}")
    name, *words = given.words or [parser.required(None, "NAME")]
    from vaelab.diagnosis.settings import settle
    from vaelab.runs import run as runs

    texts = [word for word in words if "=" in word and not Path(word).is_dir()]
    found = [runs.find(word) for word in words if word not in texts]
    if len({one.folder.resolve() for one in found}) < len(found):
        raise UserError(f"diagnose {name}: the same run is named twice")
    own = [text for text in texts if text.partition("=")[0] not in ELSEWHERE]
    places = dict(text.split("=", 1) for text in texts if text not in own)
    node = settle(name, own, *folders)
    root = Path(places.pop("output_dir", groups.settings(folders[0])["output_dir"][0]))
    from vaelab.diagnosis.make import build, diagnose, place, subjects

    # What is wrong is said before anything is read.
    diagnosis = build(name, node, len(found))
    idle = diagnosis.of_no_run if found else diagnosis.of_a_run
    for text in own:
        if (key := text.partition("=")[0]) in idle:
            why = "with a RUN" if found else "without a RUN"
            raise UserError(f"{text}: has no effect {why}; leave {key} out")
    chosen = subjects(found, [f"{key}={value}" for key, value in places.items()])
    folder = place(name, node, found, root)
    written = diagnose(name, node, chosen, folder)
    print("\n".join([*diagnosis.summary(folder), *map(str, written)]))
    return 0


def settings(name: str, folders: list[Path]) -> str:
    """What a diagnosis is and its settings, as its YAML says them."""
    from vaelab.diagnosis.settings import find

    lines = find(name, *folders).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("#", "_target_"))]
    title = groups.description(find(name, *folders))
    return "\n".join([f"\n{name}: {title}", "", *(f"  {line}" for line in kept)])
