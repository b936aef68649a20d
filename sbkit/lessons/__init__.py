"""One file a notebook, named like it: its exercises, and what it alone needs and does not show."""
