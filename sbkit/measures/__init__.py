"""What is measured of a fleet on a task, one file a question."""

from sbkit.measures.attribution import attribution
from sbkit.measures.boundary import boundary
from sbkit.measures.conflict import alone, conflict
from sbkit.measures.curvature import eigenvalues, hessian, hvp, sharpness, trace
from sbkit.measures.gradients import example_gradients, fisher, gradient_norms
from sbkit.measures.infinite import gp_posterior, infinite_kernel
from sbkit.measures.kernel import alignment, kernel
from sbkit.measures.margin import margins
from sbkit.measures.mask import mask
from sbkit.measures.path import barrier, path, perturbation_radius
from sbkit.measures.randomized import kinds, randomized, reliance, shuffled
from sbkit.measures.rank import (
    effective_rank,
    effective_weight,
    entropy_rank,
    pca_rank,
    spectrum,
    stable_rank,
)
from sbkit.measures.rates import cev, class_rates, sde, worst_group
from sbkit.measures.robustness import attack, universal_perturbation
from sbkit.measures.scores import accuracy, auc
from sbkit.measures.surface import loss_surface
from sbkit.measures.units import units

__all__ = ["accuracy", "alignment", "alone", "attack", "auc", "boundary", "conflict", "effective_rank"]
__all__ += ["effective_weight", "entropy_rank", "kernel", "kinds", "margins", "pca_rank", "randomized"]
__all__ += ["reliance", "shuffled", "spectrum", "stable_rank", "units"]
__all__ += ["universal_perturbation"]
__all__ += ["barrier", "cev", "class_rates", "path", "perturbation_radius", "sde", "worst_group"]
__all__ += ["eigenvalues", "hessian", "hvp", "loss_surface", "mask", "sharpness", "trace"]
__all__ += ["attribution", "example_gradients", "fisher", "gp_posterior", "gradient_norms", "infinite_kernel"]
