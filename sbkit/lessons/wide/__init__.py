"""The lessons of part 6: wide."""
