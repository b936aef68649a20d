"""Lessons of the part simplicity."""
