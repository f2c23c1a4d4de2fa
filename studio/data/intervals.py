"""The interval that goes with a measured rate."""

from math import sqrt


def wilson_interval(rate: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % bounds of a rate (0..1) seen on `count` independent cases. Source: Wilson 1927, doi:10.2307/2276774."""
    centre = rate + z * z / (2 * count)
    spread = z * sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
