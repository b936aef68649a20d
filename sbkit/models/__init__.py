"""Fleets: many networks as one batched module."""

from sbkit.models.backpropagation import Backpropagation
from sbkit.models.modules import fleet_of, seeded
from sbkit.models.plain import ACTIVATIONS, MLP, mlp
from sbkit.models.products import overparameterize

__all__ = ["ACTIVATIONS", "MLP", "Backpropagation", "fleet_of", "mlp", "overparameterize", "seeded"]
