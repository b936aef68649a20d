"""The lessons of part 5: sparsity."""
