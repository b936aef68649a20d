"""Lessons of the part instruments."""
