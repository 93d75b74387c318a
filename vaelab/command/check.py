"""Check what train would be given, sweeps too; train and download nothing."""

from vaelab.command._arguments import Arguments
from vaelab.errors import UserError


def run(arguments: list[str]) -> int:
    """Compose, validate and build every job; a table says which would start and why others not."""
    parser = Arguments("check", "[NAME=VALUE ...] [-m] [--config-dir DIR]")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(__doc__)
    from vaelab.composing.compose import Composer
    from vaelab.dataset.download import nothing_downloaded
    from vaelab.reporting.summary import show_checks
    from vaelab.sweeps import plan

    composer = Composer(given.config_dir, given.multirun)
    verdicts, cells = [], []
    for overrides in composer.jobs(given.overrides):
        try:
            cell = composer.cell(overrides)
            task = plan.plan([cell])[0]
            with nothing_downloaded():  # sentences are read to know the network's size
                plan.check([task], devices=False)
            verdicts.append((overrides, "", str(task.folder)))
            cells.append(cell)
        except UserError as error:
            verdicts.append((overrides, str(error), ""))
    if len(verdicts) == 1 and verdicts[0][1]:
        raise UserError(verdicts[0][1])
    plan.plan(cells)  # of which no two may be one run that is trained in two ways
    show_checks(verdicts)
    return 2 if any(fault for _, fault, _ in verdicts) else 0
