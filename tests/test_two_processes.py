"""Two or three processes on a CPU (gloo): the same inner steps, weights, decisions, gradients."""

import multiprocessing

import ddp_gradients
import ddp_shares
import pytest
import torch
import two_processes
from small import make_task, splits
from torch.testing import assert_close

from vaelab import checkpoint
from vaelab.evaluation.kept import Kept

WORLD = 2
RUNS = {
    "images": ["trainer=aggressive", "trainer.window=4", "trainer.max_inner_steps=19",
               "clip_norm=5"],
    # A start that no estimate reaches: the phase must end on both.
    "sentences": ["trainer=aggressive_text", "trainer.window=4", "trainer.max_inner_steps=19",
                  "trainer.mixture=full", "trainer.start=99"],
}  # fmt: skip


@pytest.fixture(scope="module")
def cases():
    return ddp_gradients.configs()


@pytest.fixture(scope="module")
def alone(cases):
    """One process's gradients of a case."""
    found = {}

    def gradients(name, world):
        key = name, ddp_gradients.examples(world)
        if key not in found:
            found[key] = ddp_gradients.gradients(cases[name], key[1])
        return found[key]

    return gradients


@pytest.fixture(scope="module")
def spawned(tmp_path_factory, cases):
    """Starts processes; what each left. One that hangs or fails fails every test here."""
    made = {}

    def start(world):
        if world not in made:
            made[world] = None  # not tried again
            made[world] = spawn(world, tmp_path_factory.mktemp("processes"), cases)
        assert made[world] is not None, "processes failed"
        return made[world]

    return start


def spawn(world, folder, cases):
    task = ddp_shares.half_an_epoch(cases["savae"], splits())
    checkpoint.write(checkpoint.snapshot(task, []), folder / "alone.ckpt")
    begun(folder / "done.part", cases["joint"])
    context = multiprocessing.get_context("spawn")
    runs = RUNS if world == WORLD else {}
    processes = [
        context.Process(
            target=two_processes.everything, args=(rank, world, str(folder), runs, cases)
        )
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(500)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * world
    return folder, [torch.load(folder / f"{rank}.pt") for rank in range(world)]


def begun(path, settings):
    """The file of an evaluation that was killed after three parts; a number in it is odd."""
    kept = Kept(path, "")
    task = make_task(settings, splits()).eval()
    ddp_shares.measured(task, splits(), kept)
    del kept.parts[3:]
    last = kept.parts.pop()
    last.scores["nll"][0] = 1234.0
    kept.every = 0.0
    kept.add(last)


@pytest.fixture(scope="module")
def both(spawned):
    """What two processes left."""
    return spawned(WORLD)[1]


@pytest.fixture(params=[WORLD, pytest.param(3, marks=pytest.mark.slow)])
def group(request, spawned):
    """What two or three left."""
    return spawned(request.param)[1]


@pytest.mark.parametrize("name", RUNS)
def test_the_inner_loop_is_the_same_on_both(both, name):
    first, second = (found[name] for found in both)
    assert first["steps"] == second["steps"]
    assert len(set(first["steps"])) > 1  # it is the losses that end the loops, not the limit
    assert torch.equal(first["weights"], second["weights"])
    assert not set(first["index"].tolist()) & set(second["index"].tolist())  # each its own rows


@pytest.mark.parametrize("name", RUNS)
def test_validation_and_what_it_decides_are_the_same_on_both(both, name):
    first, second = (found[name] for found in both)
    assert (first["on"], first["mi"]) == (second["on"], second["mi"])
    assert first["on"] is (name == "images")
    rows = [
        {n: v for n, v in one["row"].items() if n.startswith("val/")} for one in (first, second)
    ]
    assert rows[0] == rows[1]
    assert first["spent"] == second["spent"] == first["passes"] + second["passes"] > 0


@pytest.mark.parametrize("kind", ["exact", "fd", "first_order"])
def test_gradients_through_refinement_are_those_of_one_process(both, kind):
    whole = two_processes.refined_gradients(0, 1)[kind]
    # Finite differences move by the size of the directions in the batch, which a part has not.
    tolerance = 1e-5 if kind == "fd" else 1e-10
    for found in both:
        torch.testing.assert_close(found["refined"][kind], whole, rtol=tolerance, atol=tolerance)


def test_rows_of_all_processes_and_the_first_ones_numbers(both):
    for found in both:
        assert found["collectives"]["rows"].tolist() == [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
        assert found["collectives"]["first"].tolist() == [0.0, 0.0, 0.0]


def test_gradients_become_their_mean_and_a_missing_one_counts_as_zero(both):
    for found in both:
        gradients = [one.tolist() for one in found["collectives"]["gradients"]]
        assert gradients == [[1.5, 15.0], [2.0]]


def test_running_statistics_become_their_mean(both):
    assert [found["collectives"]["running_mean"].tolist() for found in both] == [[2.0], [2.0]]


def test_every_example_of_a_batch_weighs_the_same(both):
    """Weight over rows is what one example counts in the mean over processes."""
    for parts in zip(*(found["collectives"]["parts"] for found in both), strict=True):
        counted = [(index, weight) for index, weight in parts if weight]
        counts = [weight / len(index) for index, weight in counted]
        assert counts == pytest.approx(counts[:1] * len(counts))
        assert sum(weight for _, weight in counted) == pytest.approx(WORLD)
        rows = [row for index, _ in counted for row in index]
        assert len(set(rows)) == len(rows)  # the rest of a short batch counts nowhere
        assert counts[0] == pytest.approx(WORLD / len(rows))
    sizes = {len(index) for found in both for index, _ in found["collectives"]["parts"]}
    assert len(sizes) > 1  # some were unequal


@pytest.mark.parametrize("name", ddp_gradients.CASES)
def test_every_descent_has_the_gradient_of_the_whole_batch(group, alone, name):
    """Also of the last batch, which leaves a process without a row, and of every inner step."""
    whole = alone(name, len(group))
    for found in (one["cases"][name] for one in group):
        assert found["steps"] == whole["steps"]
        assert sum(found["steps"]) == len(found["gradients"])
        bound = 1e-10 if found["gradients"].dtype == torch.float64 else 1e-5
        assert_close(found["gradients"], whole["gradients"], rtol=bound, atol=bound)
        assert found["row"] == pytest.approx(whole["row"], rel=bound)
    if name.startswith("aggressive"):
        assert len(set(whole["steps"])) > 1  # losses end the loops


def test_sums_of_an_epoch_are_each_processes_own(group):
    """DistributedDataParallel sends the first process's buffers to all before every block."""
    for rank, found in enumerate(group):
        assert found["sums"] == [rank] * 3


def test_a_checkpoint_gives_every_process_what_it_had(group):
    had = [found["checkpoints"]["had"] for found in group]
    assert len({tuple(one["sums"]) for one in had}) == len(had)  # they saw different rows
    assert [found["checkpoints"]["again"] for found in group] == had


def test_what_one_process_had_is_counted_once_by_several(group, cases):
    first, *others = (found["checkpoints"]["more"] for found in group)
    whole = ddp_shares.own(ddp_shares.half_an_epoch(cases["savae"], splits()))
    assert first == whole
    for one in others:
        assert one["sums"] == [0.0] * 3
        assert set(one["progress"].values()) == {0}
        assert one["strategy"] == {"sums": None}


@pytest.mark.parametrize("world", [WORLD, pytest.param(3, marks=pytest.mark.slow)])
def test_what_several_had_is_added_up_by_one(spawned, cases, world):
    folder, group = spawned(world)
    had = [found["checkpoints"]["had"] for found in group]
    content = checkpoint.read(folder / "together.ckpt")
    one = ddp_shares.resumed(cases["savae"], splits(), content)
    assert one["progress"]["examples"] == 66  # two batches
    for name, value in one["progress"].items():
        assert value == sum(part["progress"][name] for part in had)
    sums = zip(*(part["sums"] for part in had), strict=True)
    assert one["sums"] == pytest.approx([sum(column) for column in sums])
    sums = zip(*(part["strategy"]["sums"] for part in had), strict=True)
    assert one["strategy"]["sums"] == pytest.approx([sum(column) for column in sums])


def test_an_evaluation_that_is_shared_out_finds_the_same_numbers(group, cases):
    whole = ddp_shares.evaluated(cases["joint"], splits())
    for found in group:
        for name, array in found["evaluated"].items():
            assert torch.equal(array, whole[name]), name


def test_one_that_was_killed_goes_on_from_the_first_processes_file(group, cases):
    whole = ddp_shares.evaluated(cases["joint"], splits())
    for found in group:
        assert (found["continued"]["nll"] == 1234.0).sum() == 1
        for name, array in found["continued"].items():
            differ = (array != whole[name]).sum()
            assert differ == (1 if name == "nll" else 0), name


def test_processes_decide_by_the_same_numbers(group):
    world = len(group)
    for rank, found in enumerate(one["agreed"] for one in group):
        assert found["any"] == [True, False]
        assert found["largest"] == world - 1
        assert found["rows"] == [30, 30, 5, 0][rank::world]
        assert found["batches"] == [30, 30, 30, 0][rank::world]
        assert found["made"] == [(number, (number - 3) % world) for number in range(3, 10)]
        assert found["fault"] == [0, "no mass"]
