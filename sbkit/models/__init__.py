"""Fleets: many networks as one batched module."""

from sbkit.models.layers import hooked_back, watched
from sbkit.models.linear import DeepLinear, deep_linear
from sbkit.models.modules import fleet_of, seeded
from sbkit.models.plain import ACTIVATIONS, MLP, mlp
from sbkit.models.products import overparameterize

__all__ = ["ACTIVATIONS", "MLP", "DeepLinear", "deep_linear", "fleet_of", "mlp", "overparameterize"]
