"""What makes notebooks a course: predictions, exercises, claims."""

from sbkit.course import check, journal
from sbkit.course.claims import Claim, claim
from sbkit.course.environment import self_check
from sbkit.course.map import map
from sbkit.course.predictions import Prediction, predict

__all__ = ["Claim", "Prediction", "check", "claim", "journal", "map", "predict", "self_check"]
