"""Rows sorted into persons with the same pattern of answered waves, so that a block of the covariance is inverted once per pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import EstimationError, listing

__all__ = ["Layout", "Pattern", "build_layout"]


@dataclass(frozen=True)
class Pattern:
    """slots: (t,) waves that these persons answered; rows: (m, t) places of their rows; cluster: (m,) codes in ascending order;
    starts: where each of the clusters ``present`` begins."""

    slots: np.ndarray
    rows: np.ndarray
    cluster: np.ndarray
    present: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Layout:
    """n_slots: T; n_clusters: 0 without a cluster effect; n_persons; n_rows."""

    patterns: tuple[Pattern, ...]
    n_slots: int
    n_clusters: int
    n_persons: int
    n_rows: int


def build_layout(person: np.ndarray, slot: np.ndarray, cluster: np.ndarray | None, labels: list[object] | None = None) -> Layout:
    """The layout of (n,) codes 0, 1, ... of persons, waves and clusters (None: no cluster effect).

    Raises `EstimationError` for a person with two rows of one wave, or in two clusters; ``labels`` of persons are for the message.
    """
    n, n_slots = len(person), int(slot.max()) + 1
    order = np.lexsort((slot, person))
    p, s = person[order], slot[order]
    twice = (np.diff(p) == 0) & (np.diff(s) == 0)
    name = (lambda code: labels[code]) if labels is not None else int
    if twice.any():
        raise EstimationError(
            f"Several rows of one wave: {listing(name(i) for i in np.unique(p[1:][twice]))}.", fix="Keep one row per person and wave."
        )
    starts = np.flatnonzero(np.r_[True, np.diff(p) != 0])
    sizes = np.diff(np.r_[starts, n])
    of_cluster = np.zeros(len(starts), dtype=np.intp) if cluster is None else cluster[order][starts]
    if cluster is not None:
        moved = cluster[order] != np.repeat(of_cluster, sizes)
        if moved.any():
            raise EstimationError(
                f"{len(np.unique(p[moved])):,} persons are in more than one cluster ({listing(name(i) for i in np.unique(p[moved]))}).",
                fix="Give everybody one cluster, such as the department at the first wave.",
            )
    mask = np.zeros((len(starts), n_slots), dtype=bool)
    mask[np.repeat(np.arange(len(starts)), sizes), s] = True
    kinds, kind = np.unique(mask, axis=0, return_inverse=True)
    patterns = []
    for number, seen in enumerate(kinds):
        chosen = np.flatnonzero(kind.ravel() == number)
        chosen = chosen[np.argsort(of_cluster[chosen], kind="stable")]
        slots, clusters = np.flatnonzero(seen), of_cluster[chosen]
        present, begin = np.unique(clusters, return_index=True)
        patterns.append(Pattern(slots, order[starts[chosen][:, None] + np.arange(len(slots))], clusters, present, begin))
    return Layout(tuple(patterns), n_slots, 0 if cluster is None else int(cluster.max()) + 1, len(starts), n)
