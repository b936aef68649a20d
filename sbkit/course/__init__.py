"""What makes notebooks a course: predictions, exercises, claims."""

from sbkit.course import check, journal
from sbkit.course.claims import Claim, claim
from sbkit.course.drawn import predict
from sbkit.course.environment import self_check
from sbkit.course.predictions import Prediction

__all__ = ["Claim", "Prediction", "check", "claim", "journal", "predict", "self_check"]
