"""The lessons of part 7: training."""
