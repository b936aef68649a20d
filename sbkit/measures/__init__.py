"""What is measured of a fleet on a task, one file a question."""

from sbkit.measures.boundary import boundary
from sbkit.measures.randomized import kinds, randomized, reliance, shuffled
from sbkit.measures.rank import effective_rank, entropy_rank, pca_rank, spectrum, stable_rank
from sbkit.measures.scores import accuracy, auc

__all__ = [
    "accuracy",
    "auc",
    "boundary",
    "effective_rank",
    "entropy_rank",
    "kinds",
    "pca_rank",
    "randomized",
    "reliance",
    "shuffled",
    "spectrum",
    "stable_rank",
]
