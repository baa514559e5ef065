"""The physics of the sorting simulation, and that nothing in it is scripted."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from undergird.testing.lattice import pair_sets
from undergird.testing.sorting import CellSorting, has_converged, late_rise

SEEDS = [0, 1, 2, 7]


def naive_quality(types: np.ndarray) -> float:
    """Count contacts one by one, as slowly as the definition."""
    height, width = types.shape
    like: int = sum(
        int(types[y, x] == types[y, (x + 1) % width]) + int(types[y, x] == types[(y + 1) % height, x])
        for y in range(height)
        for x in range(width)
    )
    return float(like / (2 * height * width))


@pytest.mark.parametrize("seed", SEEDS)
def test_adhesion_sorts_a_random_mixture(seed: int) -> None:
    tissue = CellSorting(32, 32, seed=seed)
    assert tissue.quality == pytest.approx(0.5, abs=0.05)
    results = tissue.run(1500)
    assert results.sorting_quality > 0.8
    assert results.convergence_achieved
    assert results.quality_history[0] == pytest.approx(0.5, abs=0.05)
    assert results.quality_history[-1] == results.sorting_quality == tissue.quality


@pytest.mark.parametrize("seed", SEEDS)
def test_without_adhesion_the_tissue_stays_mixed(seed: int) -> None:
    results = CellSorting(48, 48, strength=0, seed=seed).run(500)
    assert np.abs(results.quality_history - 0.5).max() < 0.05
    # A step tries each contact once on average, and without adhesion each that is unlike, half of them, is exchanged.
    assert results.swaps / 500 == pytest.approx(48 * 48, rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_with_shuffled_labels_cells_sort_but_not_by_type(seed: int) -> None:
    tissue = CellSorting(48, 48, seed=seed, shuffled=True)
    energy = tissue.energy
    results = tissue.run(500)
    assert np.abs(results.quality_history - 0.5).max() < 0.05
    assert tissue.energy < 0.5 * energy


def test_above_the_critical_temperature_cells_do_not_sort() -> None:
    critical = 1 / math.log(1 + math.sqrt(2))
    hot = CellSorting(32, 32, temperature=3 * critical, seed=3).run(500)
    cold = CellSorting(32, 32, temperature=0.6 * critical, seed=3).run(500)
    assert hot.sorting_quality < 0.75 < cold.sorting_quality


def test_a_small_tissue_takes_each_state_as_often_as_boltzmann_says() -> None:
    """Detailed balance, against the exact mean energy of all 12870 arrangements of a 4 by 4 torus."""
    temperature = 1.5
    bits = np.arange(1 << 16)[:, None] >> np.arange(16) & 1
    grids = bits[bits.sum(axis=1) == 8].reshape(-1, 4, 4)
    energies = sum((grids != np.roll(grids, -1, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    weights = np.exp(-energies / temperature)
    exact = (energies * weights).sum() / weights.sum()
    tissue = CellSorting(4, 4, temperature=temperature, seed=5)
    measured = []
    for _ in range(8000):
        tissue.step()
        measured.append(tissue.energy)
    # Blocks of 100 steps are independent enough to tell the error of the mean.
    blocks = np.array(measured[400:]).reshape(-1, 100).mean(axis=1)
    error = blocks.std() / math.sqrt(len(blocks))
    assert abs(blocks.mean() - exact) < 4 * error
    assert error < 0.1


def test_the_changes_of_energy_add_up_to_the_energy() -> None:
    tissue = CellSorting(24, 16, strength=0.7, seed=4)
    for _ in range(50):
        before = tissue.energy
        swaps = tissue.step()
        assert tissue.energy - before == pytest.approx(swaps.energy_change.sum())


def test_energy_falls_at_low_temperature_and_never_rises_when_frozen() -> None:
    tissue = CellSorting(32, 32, temperature=0.4, seed=6)
    energies = []
    for _ in range(200):
        tissue.step()
        energies.append(tissue.energy)
    assert np.mean(energies[150:]) < np.mean(energies[:50])
    frozen = CellSorting(32, 32, temperature=1e-9, seed=6)
    assert all((frozen.step().energy_change <= 0).all() for _ in range(50))


def test_every_cell_and_its_type_outlive_the_run() -> None:
    tissue = CellSorting(32, 24, seed=8)
    type_of = dict(zip(tissue.agents.ravel().tolist(), tissue.types.ravel().tolist(), strict=True))
    results = tissue.run(200)
    assert sorted(tissue.agents.ravel().tolist()) == list(range(32 * 24))
    assert results.final_agent_count == 32 * 24
    assert dict(zip(tissue.agents.ravel().tolist(), tissue.types.ravel().tolist(), strict=True)) == type_of
    assert tissue.types.sum() == 32 * 24 / 2


@pytest.mark.parametrize("options", [{}, {"shuffled": True}, {"strength": 0.0}])
def test_the_same_seed_gives_the_same_run(options: dict[str, float]) -> None:
    one, same, other = (CellSorting(16, 16, seed=seed, **options) for seed in (9, 9, 10))  # type: ignore[arg-type]
    runs = [tissue.run(60) for tissue in (one, same, other)]
    assert np.array_equal(one.agents, same.agents)
    assert np.array_equal(runs[0].quality_history, runs[1].quality_history)
    assert not np.array_equal(one.agents, other.agents)


def test_the_swaps_replayed_one_by_one_give_the_final_tissue() -> None:
    tissue = CellSorting(24, 24, seed=11)
    replayed = tissue.agents
    place = {agent: (y, x) for (y, x), agent in np.ndenumerate(replayed)}
    types = dict(zip(replayed.ravel().tolist(), tissue.types.ravel().tolist(), strict=True))
    for _ in range(100):
        swaps = tissue.step()
        assert len(swaps) == len(swaps.agent) == len(swaps.x) == len(swaps.energy_change)
        for agent, partner, x, y in zip(swaps.agent, swaps.partner, swaps.x, swaps.y, strict=True):
            assert types[agent] == 1
            assert types[partner] == 0
            assert place[partner] == (y, x)
            distance = abs(np.array(place[agent]) - np.array(place[partner]))
            assert np.minimum(distance, 24 - distance).sum() == 1, "only neighbours change places"
            place[agent], place[partner] = place[partner], place[agent]
    for agent, site in place.items():
        replayed[site] = agent
    assert np.array_equal(replayed, tissue.agents)


def test_quality_is_counted_on_the_grid() -> None:
    tissue = CellSorting(16, 12, seed=12)
    for _ in range(5):
        tissue.run(20)
        assert tissue.quality == pytest.approx(naive_quality(tissue.types))


@pytest.mark.parametrize(("width", "height"), [(4, 4), (8, 4), (12, 8)])
def test_the_sets_cover_each_contact_once_and_their_pairs_do_not_interact(width: int, height: int) -> None:
    def neighbours(site: int) -> list[int]:
        y, x = divmod(site, width)
        beside = [((x + 1) % width, y), ((x - 1) % width, y), (x, (y + 1) % height), (x, (y - 1) % height)]
        return [row * width + column for column, row in beside]

    contacts = []
    for pairs in pair_sets(width, height):
        first, second = pairs.first.tolist(), pairs.second.tolist()
        held = set(first) | set(second)
        assert len(held) == 2 * len(first)
        for index, (one, two) in enumerate(zip(first, second, strict=True)):
            contacts.append(frozenset((one, two)))
            around_one, around_two = pairs.around_first[:, index].tolist(), pairs.around_second[:, index].tolist()
            assert sorted([*around_one, two]) == sorted(neighbours(one))
            assert sorted([*around_two, one]) == sorted(neighbours(two))
            assert held.isdisjoint(around_one)
            assert held.isdisjoint(around_two)
    assert len(contacts) == len(set(contacts)) == 2 * width * height


def test_a_run_is_converged_only_when_it_has_levelled_off() -> None:
    assert not has_converged([0.5] + [0.9] * 18), "too short to tell"
    assert has_converged([0.5] + [0.9] * 19)
    assert not has_converged([0.5] * 100), "a quality that never rose has not converged"
    assert not has_converged([0.9] + [0.5] * 99), "nor has one that fell"
    assert not has_converged([0.5] + [0.9] * 80 + [0.7] * 19), "nor has one that falls again"
    rising = 0.5 + 0.4 * (1 - np.exp(-np.linspace(0, 8, 400)))
    assert has_converged(rising)
    assert not has_converged(rising[:100])
    assert late_rise(np.linspace(0.5, 0.9, 1000)) == pytest.approx(0.5, abs=0.03)
    assert not CellSorting(32, 32, seed=1).run(20).convergence_achieved


def test_a_run_takes_its_time_from_the_clock_it_is_given() -> None:
    ticks = iter([10.0, 12.5])
    assert CellSorting(8, 8).run(3, clock=lambda: next(ticks)).execution_time == 2.5


@pytest.mark.parametrize(
    "wrong",
    [{"width": 10}, {"height": 2}, {"width": 0}, {"strength": -1.0}, {"temperature": 0.0}, {"temperature": math.nan}],
)
def test_a_tissue_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        CellSorting(**wrong)  # type: ignore[arg-type]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, undergird.testing; heavy = {'numpy', 'structlog', 'asyncio'} & set(sys.modules); "
        "assert not heavy, heavy; undergird.testing.CellSorting; assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
