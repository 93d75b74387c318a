"""Two processes on a CPU (gloo): the same inner steps, the same weights, the same decisions."""

import multiprocessing

import pytest
import torch
import two_processes

WORLD = 2
RUNS = {
    "images": ["trainer=aggressive", "trainer.window=4", "trainer.max_inner_steps=19",
               "clip_norm=5"],
    # A start that no estimate reaches: the phase must end on both.
    "sentences": ["trainer=aggressive_text", "trainer.window=4", "trainer.max_inner_steps=19",
                  "trainer.mixture=full", "trainer.start=99"],
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each process left; one that hangs or fails fails every test here."""
    folder = tmp_path_factory.mktemp("processes")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=two_processes.everything, args=(rank, WORLD, str(folder), RUNS))
        for rank in range(WORLD)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(200)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * WORLD
    return [torch.load(folder / f"{rank}.pt") for rank in range(WORLD)]


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
        counts = [weight / len(index) for index, weight in parts]
        assert counts[0] == pytest.approx(counts[1])
        assert sum(weight for _, weight in parts) == pytest.approx(WORLD)
        distinct = {row for index, _ in parts for row in index}
        assert sum(len(index) for index, _ in parts) == max(len(distinct), WORLD)
    sizes = {len(index) for found in both for index, _ in found["collectives"]["parts"]}
    assert len(sizes) > 1  # some were unequal
