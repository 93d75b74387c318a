"""`vaelab reproduce` and `vaelab table` from words to pages, over stand-ins for training."""

import csv
import json

from tests.test_run import start, wait_for
from vaelab.cli import main
from vaelab.runs.run import Run

WORKING = ["reproduce", "table=tiny", "rows=plain,vamp,again"]


def starts(lab):
    """How often each run was started, by its folder's seed and choices."""
    return {
        path.parent.relative_to(lab / "outputs" / "train").as_posix(): len(path.read_text().split())
        for path in lab.rglob("starts")
    }


def cells(lab, name="tables/tiny/full/table.csv"):
    with (lab / "outputs" / name).open() as file:
        return {row["row"]: row for row in csv.DictReader(file)}


def test_missing_cells_are_trained_failures_and_refusals_stop_no_other(tiny, capsys):
    assert main(["reproduce", "table=tiny"]) == 1
    assert len(starts(tiny)) == 4  # plain and again share one; vamp has two seeds; broken began
    found = cells(tiny)
    assert float(found["plain"]["ours"]) == 90.5 - 181  # the stand-in's nll is -90.5
    assert found["plain"]["verdict"] == "outside the band"
    assert found["vamp"]["n_seeds"] == "2"
    assert found["again"]["ours"] == found["plain"]["ours"]
    assert found["again"]["verdict"] == "no published figure"
    assert "the loss is not a number" in found["broken"]["verdict"]
    assert "trainer=savae cannot be used with architecture=hvae" in found["impossible"]["verdict"]
    assert found["other"]["verdict"] == "quoted"
    captured = capsys.readouterr()
    assert "2 of 5 cells are not done" in captured.err
    written = [path.name for path in (tiny / "outputs" / "tables" / "tiny" / "full").iterdir()]
    assert {"table.md", "table.csv", "table.tex", "table.html"} <= set(written)


def test_finished_cells_are_kept_and_failed_ones_tried_again(tiny):
    main(["reproduce", "table=tiny"])
    main(["reproduce", "table=tiny"])
    twice = {name for name, count in starts(tiny).items() if count == 2}
    assert len(twice) == 1
    assert all(Run(tiny / "outputs" / "train" / name).status == "failed" for name in twice)


def test_only_what_is_selected_is_trained_and_the_pages_show_all(tiny):
    assert main(["reproduce", "table=tiny", "rows=plain"]) == 0
    assert len(starts(tiny)) == 1
    found = cells(tiny)
    assert list(found) == ["plain", "vamp", "again", "broken", "impossible", "other"]
    assert found["vamp"]["verdict"] == "not run"
    assert found["again"]["ours"] == found["plain"]["ours"]  # the run it shares is there


def test_table_collects_without_training(tiny, capsys):
    assert main(["table", "tiny"]) == 0
    assert starts(tiny) == {}
    assert cells(tiny)["plain"]["verdict"] == "not run"
    assert main(WORKING) == 0
    before = starts(tiny)
    assert main(["table", "tiny"]) == 0
    assert starts(tiny) == before
    assert cells(tiny)["vamp"]["verdict"] == "outside the band"
    assert "A tiny table" in capsys.readouterr().out


def test_a_smaller_budget_is_other_runs_one_seed_and_never_judged(tiny):
    assert main([*WORKING, "budget=smoke"]) == 0
    assert len(starts(tiny)) == 2
    found = cells(tiny, "tables/tiny/smoke/table.csv")
    assert "budget=smoke" in found["plain"]["verdict"]
    assert found["plain"]["inside"] == ""
    configs = [Run(tiny / "outputs" / "train" / name).config for name in starts(tiny)]
    assert [(one["epochs"], one["max_examples"]) for one in configs] == [(2, 500)] * 2
    assert [one["evaluation"]["samples"] for one in configs] == [10] * 2
    assert main(WORKING) == 0
    assert len(starts(tiny)) == 5


def test_a_changed_setting_is_marked_and_has_a_page_of_its_own(tiny):
    assert main([*WORKING, "epochs=1", "threads=1"]) == 0
    (page,) = (tiny / "outputs" / "tables" / "tiny").iterdir()
    assert page.name.startswith("full-")
    found = cells(tiny, f"tables/tiny/{page.name}/table.csv")
    assert "changed: epochs=1" in found["plain"]["verdict"]
    assert "threads" not in found["plain"]["verdict"]


def test_fewer_seeds_than_the_tables_are_not_judged(tiny):
    assert main(["reproduce", "table=tiny", "rows=vamp", "seeds=2"]) == 0
    (page,) = (tiny / "outputs" / "tables" / "tiny").iterdir()
    assert page.name.startswith("full-")  # the page of the table's own seeds stays as it is
    found = cells(tiny, f"tables/tiny/{page.name}/table.csv")
    assert found["vamp"]["verdict"] == "not judged: 1 of 2 seeds"
    assert found["plain"]["verdict"] == "not run"


def test_killed_in_the_middle_the_same_command_ends_it_with_no_cell_begun_twice(tiny):
    process = start(tiny, *WORKING, STAND_IN_SECONDS="0.3")

    def complete():
        return [path for path in tiny.rglob("results.json") if '"complete"' in path.read_text()]

    wait_for(lambda: len(complete()) == 1 and len(list(tiny.rglob("starts"))) == 2)
    process.kill()
    process.communicate()
    finished = complete()
    assert len(finished) == 1
    stamp = finished[0].stat().st_mtime_ns
    assert main(WORKING) == 0
    assert finished[0].stat().st_mtime_ns == stamp
    counts = sorted(starts(tiny).values())
    assert counts == [1, 1, 2]  # the one that was cut went on from its checkpoint
    again = next(path for path in tiny.rglob("starts") if len(path.read_text().split()) == 2)
    assert (again.parent / "checkpoints" / "last.ckpt").read_text() == "3"


def test_cells_go_side_by_side_through_a_launcher(tiny):
    process = start(tiny, *WORKING, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert sorted(starts(tiny).values()) == [1, 1, 1]
    processes = {path.read_text().strip() for path in tiny.rglob("starts")}
    assert str(process.pid) not in processes


def test_the_command_of_a_cell_trains_that_run(tiny):
    assert main([*WORKING, "budget=smoke"]) == 0
    command = cells(tiny, "tables/tiny/smoke/table.csv")["vamp"]["command"]
    before = starts(tiny)
    assert main(command.split()[1:]) == 0
    assert starts(tiny) == before  # it is complete: nothing starts


def test_wrong_words_are_one_line(tiny, capsys):
    for words, said in (
        ("reproduce", "name one table, figure or claim (table=tiny)"),
        ("reproduce table=tinny", "did you mean tiny?"),
        ("reproduce table=tiny rows=plane", "did you mean plain?"),
        ("reproduce table=tiny budget=smok", "did you mean smoke?"),
        ("reproduce table=tiny seeds=x", "seeds=x: must be whole numbers"),
        ("reproduce table=tiny table=tiny", "given twice"),
        ("reproduce table=tiny seeds=1,1", "seeds=1,1: names one twice"),
        ("reproduce table=tiny rows=", "rows=: name one or more"),
        ("reproduce table=tiny fresh=true", "fresh=true: a table finds its runs"),
        ("reproduce table=tiny prior=standard,vamp", "a sweep; use vaelab train -m"),
        ("reproduce table=tiny epocs=2 rows=plain", "epocs: no such setting; did you mean epochs?"),
        ("table", "NAME is missing"),
        ("table nope", "no such table"),
    ):
        status = main(words.split())
        captured = capsys.readouterr()
        assert status == 2, words
        assert said in captured.err, words
        assert captured.err.count("\n") == 1, captured.err
    assert starts(tiny) == {}


def test_a_seed_decides_wherever_it_is_used(tiny):
    preset = tiny / "configs" / "experiment" / "first" / "seeded.yaml"
    preset.write_text("# @package _global_\n# Seeded\nbatch_size: ${seed}\n")
    path = tiny / "configs" / "table" / "tiny.yaml"
    path.write_text(path.read_text().replace("[prior=vamp]", "[experiment=first/seeded]"))
    assert main(["reproduce", "table=tiny", "rows=vamp"]) == 0
    runs = [Run(tiny / "outputs" / "train" / name).config for name in starts(tiny)]
    assert sorted((one["seed"], one["batch_size"]) for one in runs) == [(1, 1), (2, 2)]
    before = starts(tiny)
    assert main(cells(tiny)["vamp"]["command"].split("; ")[1].split()[1:]) == 0
    assert starts(tiny) == before


def test_a_tables_own_evaluation_holds(tiny):
    path = tiny / "configs" / "table" / "tiny.yaml"
    path.write_text(path.read_text().replace("[prior=vamp]", "[prior=vamp, evaluation=quick]"))
    assert main(["reproduce", "table=tiny", "rows=plain,vamp"]) == 0
    samples = {
        Run(tiny / "outputs" / "train" / n).config["evaluation"]["samples"] for n in starts(tiny)
    }
    assert samples == {100, 5000}


def test_one_cells_damage_is_its_own(tiny, capsys):
    path = tiny / "configs" / "table" / "tiny.yaml"
    path.write_text(path.read_text().replace("label: VampPrior,", "label: VampPrior, metric: au,"))
    assert main(WORKING) == 1
    found = cells(tiny)
    assert "metric=au: the results have nll" in found["vamp"]["verdict"]
    assert found["plain"]["ours"] == "-90.5"
    for name in starts(tiny):
        if "standard" in name:
            (tiny / "outputs" / "train" / name / "results.json").write_text("{")
    capsys.readouterr()
    assert main(["table", "tiny"]) == 0
    assert "damaged; delete it" in cells(tiny)["plain"]["verdict"]
    assert main(["reproduce", "table=tiny", "rows=plain"]) == 1


def test_the_page_lies_where_the_runs_lie(tiny):
    assert main(["table", "tiny", "output_dir='my dir'"]) == 0
    assert (tiny / "my dir" / "tables" / "tiny" / "full" / "table.csv").is_file()
    (tiny / "file").write_text("")
    assert main(["table", "tiny", "output_dir=file/below"]) == 2


def test_a_users_own_table_says_its_folder_in_every_command(tiny):
    mine = tiny / "mine" / "table"
    mine.mkdir(parents=True)
    (tiny / "configs" / "table" / "tiny.yaml").rename(mine / "own.yaml")
    assert main(["table", "own", "--config-dir", "mine"]) == 0
    page = tiny / "outputs" / "tables" / "own" / "full"
    assert cells(tiny, "tables/own/full/table.csv")["plain"]["command"].endswith(
        "--config-dir mine"
    )
    assert "table=own --config-dir mine" in (page / "table.md").read_text()


def test_a_failed_evaluation_says_why_and_is_tried_again(tiny, monkeypatch):
    import sys
    from types import ModuleType

    from vaelab.errors import UserError

    def evaluate_run(run, config):
        assert run.locked()  # hours of work are not done twice at once
        raise UserError("best.ckpt: missing")

    module = ModuleType("vaelab.evaluation.run")
    vars(module)["evaluate_run"] = evaluate_run
    monkeypatch.setitem(sys.modules, "vaelab.evaluation.run", module)
    assert main(["train", "epochs=3"]) == 0
    assert main(["reproduce", "table=tiny", "rows=plain"]) == 1
    assert cells(tiny)["plain"]["verdict"] == "failed: evaluation: best.ckpt: missing"
    assert list(starts(tiny).values()) == [1]


def test_an_evaluation_of_other_settings_does_not_fill_a_cell(tiny, monkeypatch):
    """A run that ended with evaluation=quick is evaluated again, not trained."""
    from types import ModuleType

    made = []
    module = ModuleType("vaelab.evaluation.run")

    def evaluate_run(run, config):
        from vaelab.files import write_json
        from vaelab.runs.evaluated import evaluation_file

        made.append(run.folder)
        metrics = {"nll": {"value": 91.0, "se": 0.1, "estimator": "i", "samples": 5000, "n": 7}}
        path = evaluation_file(run, config)
        write_json(path, {"metrics": {"test": metrics}, "labels": ["stand-in"]})
        return path

    vars(module)["evaluate_run"] = evaluate_run
    monkeypatch.setitem(__import__("sys").modules, "vaelab.evaluation.run", module)
    assert main(["train", "epochs=3"]) == 0  # ends with evaluation=quick
    assert main(["table", "tiny"]) == 0
    assert cells(tiny)["plain"]["verdict"] == "not evaluated"
    assert main(["reproduce", "table=tiny", "rows=plain,again"]) == 0
    assert len(made) == 1
    assert list(starts(tiny).values()) == [1]
    found = cells(tiny)
    assert float(found["plain"]["ours"]) == 91.0
    assert found["plain"]["verdict"] == "not judged: stand-in"
    assert json.loads(next(tiny.rglob("results.json")).read_text())["status"] == "complete"
