"""Whether two colours can be told apart by a reader without colour vision deficiency, by one with it, and on a page printed in grey.

Simulation of protanopia and deuteranopia: Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB. Distance: CIE 1976 in CIELAB
under D65, of which about 2 can just be seen by eye side by side.
"""

from __future__ import annotations

import numpy as np

__all__ = ["distance", "lab", "views"]

_PROTANOPIA = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
_DEUTERANOPIA = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])

Colour = tuple[float, float, float]


def _linear(rgb: Colour) -> np.ndarray:
    value = np.clip(np.asarray(rgb, dtype=float), 0, 1)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab_of_linear(linear: np.ndarray) -> np.ndarray:
    ratio = (_XYZ @ np.clip(linear, 0, 1)) / _XYZ.sum(axis=1)
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def lab(rgb: Colour) -> np.ndarray:
    """CIELAB (L*, a*, b*) of an sRGB colour whose parts run from 0 to 1."""
    return _lab_of_linear(_linear(rgb))


def distance(first: Colour, second: Colour) -> float:
    """How far two sRGB colours stand apart in CIELAB."""
    return float(np.linalg.norm(lab(first) - lab(second)))


def views(first: Colour, second: Colour) -> dict[str, float]:
    """The same distance as a reader with protanopia or deuteranopia sees it, and in grey (lightness alone)."""
    a, b = _linear(first), _linear(second)
    seen = {name: float(np.linalg.norm(_lab_of_linear(matrix @ a) - _lab_of_linear(matrix @ b)))
            for name, matrix in (("protanopia", _PROTANOPIA), ("deuteranopia", _DEUTERANOPIA))}  # fmt: skip
    return {**seen, "grey": float(abs(lab(first)[0] - lab(second)[0]))}
