"""The lessons of part 8: gallery."""
