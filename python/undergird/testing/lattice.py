"""Sets of neighbour pairs on a square lattice that can be updated together, because they do not interact.

A pair interacts with another when one holds a neighbour of a cell of the other. Horizontal pairs that start every
four columns, shifted by two from row to row, never do; nor do vertical ones with rows and columns exchanged. Four
shifts of each cover all contacts, so eight sets do. This is the checkerboard decomposition, for pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of neighbouring sites, no two of which interact. Sites are flat indices ``y * width + x`` (int64).

    Attributes:
        first: One site of each pair, shape ``(n,)``.
        second: Its right or lower neighbour, shape ``(n,)``.
        around_first: The other three neighbours of `first`, shape ``(3, n)``.
        around_second: The other three neighbours of `second`, shape ``(3, n)``.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    around_first: NDArray[np.int64]
    around_second: NDArray[np.int64]


def pair_sets(width: int, height: int) -> tuple[Pairs, ...]:
    """The eight sets that together hold each contact of a torus of `width` by `height` sites exactly once.

    Raises:
        ValueError: a side is not a positive multiple of 4, the period of the sets.

    Example:
        >>> sets = pair_sets(8, 4)
        >>> sum(len(pairs.first) for pairs in sets)
        64
    """
    if width < 4 or height < 4 or width % 4 or height % 4:
        raise ValueError(f"width and height must be positive multiples of 4, got {width} and {height}")
    return tuple(_pairs(width, height, shift, right=right) for right in (True, False) for shift in range(4))


def neighbours_after(width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The right and the lower neighbour of each site of a torus: two int64 arrays of shape ``(width * height,)``."""
    sites = np.arange(width * height, dtype=np.int64).reshape(height, width)
    return np.roll(sites, -1, axis=1).ravel(), np.roll(sites, -1, axis=0).ravel()


def _pairs(width: int, height: int, shift: int, *, right: bool) -> Pairs:
    y, x = np.divmod(np.arange(width * height, dtype=np.int64), width)
    along, across = (x, y) if right else (y, x)
    chosen = (along - 2 * (across % 2)) % 4 == shift
    along, across = along[chosen], across[chosen]

    def site(ahead: int, aside: int) -> NDArray[np.int64]:
        there, beside = along + ahead, across + aside
        column, row = (there, beside) if right else (beside, there)
        index: NDArray[np.int64] = (row % height) * width + column % width
        return index

    return Pairs(
        first=site(0, 0),
        second=site(1, 0),
        around_first=np.stack([site(-1, 0), site(0, -1), site(0, 1)]),
        around_second=np.stack([site(2, 0), site(1, -1), site(1, 1)]),
    )
