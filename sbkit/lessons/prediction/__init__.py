"""The lessons of part 4: prediction."""
