"""The infinitesimal jackknife of a survival curve and of cumulative incidences, in time O(n log n).

The influence of a row is the derivative of the curve with respect to its weight, times the weight. With hazards
h_c = d_c / n, h their sum, S the survival and u = 1 / (n (1 - h)), and a row at risk at the event times
b <= j < e, its influence on S(t_k) is -S(t_k) Phi(k) and that on the incidence of a cause

    sum over j <= k of S(t_j-) (dN_c(j) - Y(j) h_c(j)) / n(j) - Phi(j - 1) f_c(j),    f_c(j) = S(t_j-) h_c(j),

where Phi(k) is the sum over j <= k of (dN(j) - Y(j) h(j)) u(j). With running sums H of h u, F of f, A of f / n and P of
f(j) H(j - 1) it is, per unit of weight,

    while at risk     P(k) - A(k) + [F(b-) H(b-) + A(b-) - P(b-)] - F(k) H(b-),
    after the exit    g - F(k) Phi,

so that of a cluster is alpha(k) W(k) + X(k) - F(k) Z(k): W, X, Z sums over its rows that change only when one of
them comes or leaves. The sum of its squares over clusters then needs only the running sums of W^2, WX, WZ, X^2, XZ
and Z^2. (The quantities squared are those of R's survfit; nothing of size rows x times is made.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.survival.columns import distinct_values
from mentorship_eval.survival.curves.curve_steps import Rows, Steps, curve_steps

__all__ = ["curve_with_variances", "influence_variances"]

ROUNDING = 1e-13


def curve_with_variances(rows: Rows, causes: int) -> Steps:
    """The curve of ``rows`` with its infinitesimal jackknife by row, or by cluster where rows have one."""
    steps = curve_steps(rows, causes)
    moments = np.flatnonzero(steps.n_event.any(axis=0))
    n_risk = steps.n_risk[moments]
    var_survival, var_cif = influence_variances(
        rows, steps.time[moments], n_risk, steps.n_event[:, moments] / n_risk, steps.survival[moments]
    )
    place = np.searchsorted(moments, np.arange(len(steps.time)), side="right")
    return replace(
        steps, var_survival=np.concatenate(([0.0], var_survival))[place],
        var_cif=np.concatenate((np.zeros((causes, 1)), var_cif), axis=1)[:, place],
    )


def influence_variances(
    rows: Rows, time: np.ndarray, n_risk: np.ndarray, hazard: np.ndarray, survival: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(K,) variance of the survival and (causes, K) of the incidences at the K event times ``time``.

    n_risk, survival: (K,), just before and after; hazard: (causes, K), positive in sum everywhere.
    """
    size = len(time)
    total = hazard.sum(axis=0)
    stays = survival > 0
    before = np.concatenate(([1.0], survival[:-1]))
    # Once the curve has fallen to 0 nothing changes any more.
    jump = np.divide(1.0, n_risk * (1 - total), out=np.zeros(size), where=stays)
    # Sums count from where most are at risk: few at risk in the beginning would else cost the digits of all who come later.
    origin = int(np.argmax(n_risk)) if size else 0
    drift = _running(total * jump, origin)

    begin, end = _reached(time, rows.start), _reached(time, rows.stop)
    ever = np.flatnonzero(begin < end)
    begin, end, weight, cause, cluster = begin[ever], end[ever], rows.weight[ever], rows.cause[ever], rows.cluster
    if cluster is not None:
        cluster = cluster[ever]
    elif not begin.any():
        end, weight, cause = _alike(end, weight, cause, len(hazard))
        begin = np.zeros(len(end), dtype=np.intp)
    died = cause >= 0
    phi = drift[begin] - drift[end]
    phi[died] += jump[end[died] - 1]
    units = _Units(cluster, begin, end, weight, size)
    z = units.states(drift[begin], phi)
    zz, wz, ww = units.total(z, z), units.total(units.w, z), units.total(units.w, units.w)
    level = drift[1:]
    var_survival = survival**2 * _squares(level**2 * ww, -2 * level * wz, zz)

    var_cif = np.zeros((len(hazard), size))
    for c, own in enumerate(hazard):
        increment = before * own
        incidence = _running(increment, origin)
        spread, product = _running(increment / n_risk, origin), _running(increment * drift[:-1], origin)
        comes = spread[begin] - product[begin] + incidence[begin] * drift[begin]
        gone = comes - spread[end] + product[end] - incidence[end] * drift[begin] + phi * incidence[end]
        mine = np.flatnonzero(cause == c)
        gone[mine] += before[end[mine] - 1] / n_risk[end[mine] - 1]
        x = units.states(comes, gone)
        alpha, level = product[1:] - spread[1:], incidence[1:]
        var_cif[c] = _squares(
            alpha**2 * ww, 2 * alpha * units.total(units.w, x), units.total(x, x), -2 * level * (alpha * wz + units.total(x, z)),
            level**2 * zz,
        )
    return var_survival, var_cif


def _alike(end: np.ndarray, weight: np.ndarray, cause: np.ndarray, causes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row for all that are alike; its weight is the root of their sum of squares, for only squares will be summed."""
    squares = np.bincount(end * (causes + 1) + cause + 1, weight**2)
    found = np.flatnonzero(squares)
    return found // (causes + 1), np.sqrt(squares[found]), found % (causes + 1) - 1


def _squares(*terms: np.ndarray) -> np.ndarray:
    """The sum of the ``terms`` of an expanded square, 0 where nothing but their rounding is left."""
    total = np.sum(terms, axis=0)
    return np.where(total > ROUNDING * np.abs(terms).sum(axis=0), total, 0.0)


def _reached(time: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(n,) event times up to and including each of the ``moments``."""
    code, distinct = distinct_values(moments)
    return np.searchsorted(time, distinct, side="right")[code]


def _running(values: np.ndarray, origin: int) -> np.ndarray:
    """(K + 1,) sums of the first 0..K values, less that of the first ``origin``."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values[origin:], out=sums[origin + 1 :])
    sums[:origin] = -np.cumsum(values[:origin][::-1])[::-1]
    return sums


class _Units:
    """Sums over the rows of a unit (a cluster, or a row by itself), as they change in time.

    A row counts with one value from its first event time on and with another from its last one on.
    """

    def __init__(self, cluster: np.ndarray | None, begin: np.ndarray, end: np.ndarray, weight: np.ndarray, size: int) -> None:
        self.begin, self.exit, self.weight, self.size = begin, end - 1, weight, size
        self.alone = cluster is None
        if cluster is not None:
            both = np.concatenate((cluster, cluster))
            self.moment = np.concatenate((begin, self.exit))
            self.order = np.lexsort((self.moment, both))
            self.moment, both = self.moment[self.order], both[self.order]
            self.starts = np.flatnonzero(np.concatenate((both[:1] == both[:1], both[1:] != both[:-1])))
            self.lengths = np.diff(np.append(self.starts, len(both)))
        self.w = self.states(np.ones(len(weight)), np.zeros(len(weight)))

    def states(self, inside: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of weight * value, ``inside`` while at risk and ``after`` since: of a row the two, of a cluster those after and
        before each change."""
        inside, after = self.weight * inside, self.weight * after
        if self.alone:
            return inside, after
        now = np.cumsum(np.concatenate((inside, after - inside))[self.order])
        now -= np.repeat(np.concatenate(([0.0], now))[self.starts], self.lengths)
        earlier = np.concatenate(([0.0], now[:-1]))
        earlier[self.starts] = 0.0
        return now, earlier

    def total(self, one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """(K,) sum over units of the product of two states, from each event time on."""
        first, second = one[0] * other[0], one[1] * other[1]
        if self.alone:
            change = np.bincount(self.exit, second - first, self.size)
            change += np.bincount(self.begin, first, self.size)
        else:
            change = np.bincount(self.moment, first - second, self.size)
        return np.cumsum(change)
