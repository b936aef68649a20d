"""The lessons of part 6: wide limits and uncertainty."""
