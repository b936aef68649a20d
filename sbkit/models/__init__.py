"""Fleets: many networks as one batched module."""

from sbkit.models.backpropagation import Backpropagation
from sbkit.models.modules import fleet_of, seeded
from sbkit.models.plain import ACTIVATIONS, MLP, mlp

__all__ = ["ACTIVATIONS", "MLP", "Backpropagation", "fleet_of", "mlp", "seeded"]
