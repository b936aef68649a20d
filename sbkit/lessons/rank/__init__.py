"""Lessons of the part rank."""
