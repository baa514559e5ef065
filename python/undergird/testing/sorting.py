"""Cell sorting by differential adhesion: a real simulation to try the library on.

The model is the square-lattice model of cell sorting of Mochizuki, Iwasa and Takeda (1996): every site holds
one cell of one of two types, and neighbouring cells exchange places at random, more readily when the exchange
strengthens adhesion. It makes Steinberg's differential adhesion hypothesis (1963) computable: cells that adhere
more strongly to their own type than to the other sort themselves out. With types as spins it is Kawasaki's exchange
dynamics (1966) of the Ising model, accepted by the rule of Metropolis et al. (1953). It is not the cellular Potts
model of Graner and Glazier (1992), which obeys the same hypothesis but gives cells a shape made of many sites.

Kinetics: with conserved numbers of cells, domains grow with the cube root of time (Lifshitz and Slyozov 1961,
Huse 1986), so quality rises fast at first and then levels off. Cells of two types mix freely above the critical
temperature ``strength / log(1 + sqrt(2))``, about ``1.13 * strength`` (Onsager 1944).

References:
    M. S. Steinberg, Science 141, 401 (1963).
    A. Mochizuki, Y. Iwasa, Y. Takeda, J. Theor. Biol. 179, 129 (1996).
    K. Kawasaki, Phys. Rev. 145, 224 (1966).
    N. Metropolis et al., J. Chem. Phys. 21, 1087 (1953).
    F. Graner, J. A. Glazier, Phys. Rev. Lett. 69, 2013 (1992).
    I. M. Lifshitz, V. V. Slyozov, J. Phys. Chem. Solids 19, 35 (1961); D. A. Huse, Phys. Rev. B 34, 7845 (1986).
    L. Onsager, Phys. Rev. 65, 117 (1944).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from undergird.testing.lattice import Pairs, neighbours_after, pair_sets

# An exchange changes the number of unlike contacts by at most 6: each cell leaves three neighbours and gains three.
_MOST = 6


@dataclass(frozen=True, slots=True)
class Swaps:
    """The exchanges of one step, in the order they took place; all arrays have shape ``(n,)``.

    Attributes:
        agent: Ids of the cells of type 1, as adhesion sees them (int64).
        partner: Ids of the cells of type 0 they changed places with (int64).
        x: Columns the agents moved to, from which the partners left (int64).
        y: Rows the agents moved to (int64).
        energy_change: Change of the tissue's energy by each exchange, in units of the adhesion (float64).
    """

    agent: NDArray[np.int64]
    partner: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    energy_change: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.agent)

    def rows(self) -> Iterator[tuple[int, int, int, int, float]]:
        """The exchanges one by one, as Python numbers: agent, partner, x, y, energy change."""
        columns = (self.agent, self.partner, self.x, self.y, self.energy_change)
        return zip(*(column.tolist() for column in columns), strict=True)


@dataclass(frozen=True, slots=True)
class SortingResults:
    """What a run of the simulation came to.

    Attributes:
        sorting_quality: Fraction of contacts between cells of one type at the end, 0 to 1; 0.5 is a random mixture.
        convergence_achieved: Whether the quality had risen and levelled off by the end (see `has_converged`).
        execution_time: How long the run took, in seconds.
        final_agent_count: Number of cells at the end.
        swaps: Number of exchanges that took place.
        quality_history: Quality before the first step and after each (float64, shape ``(steps + 1,)``).
    """

    sorting_quality: float
    convergence_achieved: bool
    execution_time: float
    final_agent_count: int
    swaps: int
    quality_history: NDArray[np.float64]


def late_rise(history: Sequence[float] | NDArray[np.float64]) -> float:
    """How much of a quality's whole rise fell into the second half of the run: about 0.5 if it rises steadily.

    The middle and the end are each a mean over a twentieth of the run, because single values are noisy. The share is
    NaN for a quality that did not rise, or of which there are fewer than 20 values.

    Example:
        >>> late_rise([0.5, 0.6, 0.7, 0.8] + [0.9] * 96)
        0.0
    """
    window = len(history) // 20
    if window == 0:
        return float("nan")
    middle = len(history) // 2
    end = float(np.mean(history[-window:]))
    late = end - float(np.mean(history[middle - window : middle]))
    rise = end - float(history[0])
    return late / rise if rise > 0 else float("nan")


def has_converged(history: Sequence[float] | NDArray[np.float64], tolerance: float = 0.1) -> bool:
    """Whether a quality has risen and levelled off: the second half of the run added little to it.

    The measure is relative to the rise and to the length of the run, because sorting slows down gradually: any short
    stretch of it looks level.

    Args:
        history: The quality over time, one value per step, 20 at least.
        tolerance: Largest share of the whole rise that may fall into the second half, or be lost in it.

    Example:
        >>> has_converged([0.5, 0.6, 0.7, 0.8] + [0.9] * 96)
        True
        >>> has_converged([step / 100 for step in range(100)])
        False
    """
    return abs(late_rise(history)) < tolerance


class CellSorting:
    """A tissue of two types of cells in equal numbers, on a torus, that sorts by differential adhesion.

    The energy is ``strength`` for each contact between cells of different type. One step draws eight times one of the
    eight sets of non-interacting neighbour pairs (see `lattice`), so that each contact is tried once a step on average;
    a pair of unlike cells changes places with probability ``min(1, exp(-change / temperature))``. Pairs of one set
    share no contact, so trying them together is trying them one after another, and detailed balance holds exactly.
    Exchanges of cells of the same type would change nothing and are not tried.

    Args:
        width: Columns; a multiple of 4.
        height: Rows; a multiple of 4.
        strength: Energy of a contact between unlike cells; 0 turns adhesion off.
        temperature: Amplitude of the cells' random motion, in the units of `strength`.
        seed: Seed of the random numbers; the same seed gives the same run.
        shuffled: A control. Adhesion acts on a random permutation of the types, fixed at the start: the dynamics are
            the same, but have nothing to do with the types that `quality` is measured on.

    Raises:
        ValueError: A side is not a positive multiple of 4, `strength` is negative, or `temperature` not positive.

    Example:
        >>> tissue = CellSorting(32, 32, seed=1)
        >>> results = tissue.run(1500)
        >>> results.sorting_quality > 0.8
        True
    """

    def __init__(
        self,
        width: int = 96,
        height: int = 96,
        *,
        strength: float = 1.0,
        temperature: float = 0.75,
        seed: int = 0,
        shuffled: bool = False,
    ) -> None:
        if not strength >= 0:
            raise ValueError(f"strength must not be negative, got {strength}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.width, self.height, self.strength = width, height, strength
        self._sets = pair_sets(width, height)
        self._right, self._below = neighbours_after(width, height)
        self._random = np.random.default_rng(seed)
        size = width * height
        # Types are spins (-1 and 1), so that a sum over neighbours counts contacts.
        types = np.where(np.arange(size) < size // 2, -1, 1).astype(np.int8)
        self._random.shuffle(types)
        self._types = types
        # The types that adhesion sees, by site: they move with the cells.
        self._felt = self._random.permutation(types) if shuffled else types.copy()
        self._agents = np.arange(size, dtype=np.int64)
        # A fall in energy counts as none, so that a low temperature cannot overflow exp().
        self._accept = np.exp(-strength * np.maximum(np.arange(-_MOST, _MOST + 1), 0) / temperature)
        self.steps = 0

    @property
    def agents(self) -> NDArray[np.int64]:
        """The id of the cell at each site: a copy (int64, shape ``(height, width)``)."""
        return self._agents.reshape(self.height, self.width).copy()

    @property
    def types(self) -> NDArray[np.int64]:
        """The type, 0 or 1, of the cell at each site (int64, shape ``(height, width)``)."""
        return (self._types[self._agents].reshape(self.height, self.width) > 0).astype(np.int64)

    @property
    def quality(self) -> float:
        """The fraction of contacts that join cells of the same type, measured on the grid: about 0.5 when mixed.

        It is the statistic q(B/B) of Mochizuki et al., averaged over both types.
        """
        types = self._types[self._agents]
        return 1.0 - self._unlike_contacts(types) / (2 * types.size)

    @property
    def energy(self) -> float:
        """The energy of the tissue, measured on the grid: `strength` for each contact between unlike cells."""
        return self.strength * self._unlike_contacts(self._felt)

    def step(self) -> Swaps:
        """Advances by one step (each contact tried once on average) and gives the exchanges that took place."""
        done = [self._exchange(self._sets[chosen]) for chosen in self._random.integers(len(self._sets), size=8)]
        self.steps += 1
        site, agent, partner, change = (np.concatenate(column) for column in zip(*done, strict=True))
        y, x = np.divmod(site, self.width)
        return Swaps(agent=agent, partner=partner, x=x, y=y, energy_change=self.strength * change)

    def run(
        self,
        steps: int,
        *,
        tolerance: float = 0.1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> SortingResults:
        """Advances by `steps` and gives what came of it.

        Args:
            steps: How many steps to advance.
            tolerance: See `has_converged`.
            clock: Seconds, for `execution_time`.
        """
        start = clock()
        swaps = 0
        history = np.empty(steps + 1)
        history[0] = self.quality
        for index in range(1, steps + 1):
            swaps += len(self.step())
            history[index] = self.quality
        return SortingResults(
            sorting_quality=float(history[-1]),
            convergence_achieved=has_converged(history, tolerance),
            execution_time=clock() - start,
            final_agent_count=len(np.unique(self._agents)),
            swaps=swaps,
            quality_history=history,
        )

    def _exchange(
        self, pairs: Pairs
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Tries every pair of one set: new sites of the agents, agents, partners, changes of unlike contacts."""
        felt, agents = self._felt, self._agents
        tried = np.flatnonzero(felt[pairs.first] != felt[pairs.second])
        spin = felt[pairs.first[tried]]
        here = felt[pairs.around_first[:, tried]].sum(axis=0, dtype=np.int8)
        there = felt[pairs.around_second[:, tried]].sum(axis=0, dtype=np.int8)
        # Each cell loses its like neighbours here and gains those there; its opposite does the reverse.
        change = spin * (here - there)
        taken = self._random.random(tried.size) < self._accept[change + _MOST]
        tried, change, spin = tried[taken], change[taken], spin[taken]
        first, second = pairs.first[tried], pairs.second[tried]
        felt[first], felt[second] = felt[second], felt[first]
        agents[first], agents[second] = agents[second], agents[first]
        # The cell that was at `first` is now at `second`; the one of type 1 is named the agent.
        moved_on = spin > 0
        to, left = np.where(moved_on, second, first), np.where(moved_on, first, second)
        return to, agents[to], agents[left], change.astype(np.int64)

    def _unlike_contacts(self, types: NDArray[np.int8]) -> int:
        return int(np.count_nonzero(types != types[self._right]) + np.count_nonzero(types != types[self._below]))
