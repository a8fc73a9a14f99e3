"""Event studies whose robust intervals are published, and one to simulate from."""

from __future__ import annotations

import numpy as np

# Benzarti & Carloni (2019): coefficients and covariance as stored in R's HonestDiD (BCdata_EventStudy), four before and four after.
RESTAURANTS = np.array([0.006696351804, 0.02934503369, -0.006472972222, 0.0730149895, 0.1959611177, 0.3120639026, 0.2395415455, 0.1260425001])
_UPPER = [
    [8.428358124e-4, 4.768686777e-4, 2.618051076e-4, 2.354220342e-4, 1.676371467e-4, 1.128707663e-4, 1.992816215e-5, -1.368265366e-4],
    [6.425420288e-4, 3.987425007e-4, 2.435515198e-4, 2.201960306e-4, 1.804591157e-4, 3.84376508e-5, -2.960421989e-5],
    [5.229949602e-4, 2.11768609e-4, 1.840722252e-4, 1.45852784e-4, 7.005197403e-5, 5.952994979e-5],
    [3.089595411e-4, 1.197866077e-4, 1.334081317e-4, 1.016335009e-4, 1.079051726e-4],
    [3.59970436e-4, 2.478818642e-4, 1.749579242e-4, 1.654256921e-4],
    [4.263949813e-4, 2.171437809e-4, 2.892747871e-4],
    [4.886697861e-4, 3.805322049e-4],
    [7.61739444e-4],
]

# Medicaid expansion and insurance, states of 2014 against never (and later) ones, 2008 to 2015 but 2013: the two-way fixed effects event
# study of HonestDiD's README made again from its data (ehec_data), clustered by state with fixest's degrees of freedom.
MEDICAID = np.array([-0.00528535, -0.01129732, -0.00267599, -0.00141931, 0.00033966, 0.04644685, 0.06920618])
_MEDICAID_UPPER = [
    [7.48848364e-5, 6.03987410e-5, 4.44461982e-5, 3.38576471e-5, 4.32801125e-5, 4.76588048e-5, 2.42512870e-5],
    [7.26650062e-5, 3.78933022e-5, 2.86657803e-5, 4.54332063e-5, 4.42885012e-5, 2.82465504e-5],
    [5.05205194e-5, 2.67367943e-5, 2.77819357e-5, 3.06064411e-5, 9.63753388e-6],
    [4.00322203e-5, 2.41285998e-5, 2.38086821e-5, 2.92387814e-6],
    [5.46266221e-5, 3.68253105e-5, 9.72294750e-6],
    [8.37566882e-5, 6.32139796e-5],
    [1.07123523e-4],
]


def _symmetric(upper: list[list[float]]) -> np.ndarray:
    out = np.zeros((len(upper), len(upper)))
    for i, row in enumerate(upper):
        out[i, i:] = out[i:, i] = row
    return out


RESTAURANTS_COVARIANCE = _symmetric(_UPPER)
MEDICAID_COVARIANCE = _symmetric(_MEDICAID_UPPER)

# The walk-through of HonestDiD.jl (three before, five after, correlation 0.6 to the distance).
MADE_UP = np.array([0.02, -0.01, 0.03, 0.15, 0.20, 0.25, 0.22, 0.18])
_SE = np.array([0.060, 0.050, 0.055, 0.050, 0.052, 0.060, 0.065, 0.070])
MADE_UP_COVARIANCE = np.outer(_SE, _SE) * 0.6 ** np.abs(np.subtract.outer(np.arange(8), np.arange(8)))


def stationary(size: int, sd: float = 1.0, correlation: float = 0.5) -> np.ndarray:
    """Covariance of neighbours that resemble each other."""
    return sd**2 * correlation ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
