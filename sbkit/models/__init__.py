"""Fleets: many networks as one batched module."""

from sbkit.models.calibration import calibrate
from sbkit.models.layers import hooked_back, watched
from sbkit.models.linear import DeepLinear, deep_linear
from sbkit.models.modules import fleet_of, initial, seeded
from sbkit.models.plain import ACTIVATIONS, MLP, mlp
from sbkit.models.products import overparameterize
from sbkit.models.pruning import prune
from sbkit.models.recurrent import gru

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "DeepLinear",
    "calibrate",
    "deep_linear",
    "fleet_of",
    "gru",
    "initial",
    "mlp",
    "overparameterize",
    "prune",
]
