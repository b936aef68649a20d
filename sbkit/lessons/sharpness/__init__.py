"""The lessons of part 3: sharpness."""
