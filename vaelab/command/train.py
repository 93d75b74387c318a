"""Train a model, or many with -m; the same command again resumes, or shows the result."""

import os
from pathlib import Path

from vaelab import partners
from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.errors import UserError

USAGE = "[NAME=VALUE ...] [-m] [--cfg job] [--config-dir DIR]"
EXAMPLES = """Examples
  vaelab train                                       digits, a small MLP, a minute on a CPU
  vaelab train prior=vamp dataset=static_mnist epochs=50
  vaelab train prior=vamp prior.components=200       a setting of the option that was chosen
  vaelab train -m prior=standard,vamp seed=1,2,3     six runs
  vaelab train -m seed=1,2,3,4 hydra/launcher=joblib side by side
  vaelab train experiment=FOLDER/PRESET              a published row
  vaelab train prior=vamp --cfg job                  print the whole config and stop"""


def run(arguments: list[str]) -> int:
    """Plan every job, then train those that are not finished."""
    if partners.followed():
        from vaelab.runs.job import follow

        return follow(os.environ[partners.FOLLOWED])
    parser = Arguments("train", USAGE)
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--cfg", choices=["job"])
    parser.add_argument("--config-dir")
    parser.add_argument("--demo", action="store_true")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return usage(given.config_dir)
    from vaelab.sweeps import plan

    if given.cfg:
        return plan.show_config(given.overrides, given.config_dir, given.multirun)
    if given.demo:
        print("Training the default model: vaelab train", *given.overrides, flush=True)
    status = plan.train(given.overrides, given.config_dir, given.multirun)
    if given.demo and status == 0:
        print("Next: vaelab --help, or vaelab train prior=vamp to change one part.")
    return status


def usage(extra: str | None) -> int:
    """Print groups with their options, settings with their comments, and examples."""
    folders = [groups.config_dir()]
    if extra is not None:
        if not Path(extra).is_dir():
            raise UserError(f"--config-dir {extra}: no such folder")
        folders.append(Path(extra).resolve())
    print(f"usage: vaelab train {USAGE}\n")
    print("  -m, --multirun    train every combination of values separated by commas")
    print("  --cfg job         print the config and stop")
    print("  --config-dir DIR  options of your own: DIR/prior/flow.yaml becomes prior=flow")
    print("  --demo            the default model, and what to try next")
    print("\nGroups, GROUP=OPTION (* the default)")
    print(groups.listing(*folders))
    print("\nSettings, NAME=VALUE (any value of an option too, as in prior.components=200)")
    for name, (value, comment) in groups.settings(folders[0]).items():
        print(f"  {name + '=' + value:<18} {comment}")
    print(f"\n{EXAMPLES}")
    return 0
