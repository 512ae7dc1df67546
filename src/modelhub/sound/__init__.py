"""Sound as numbers: what a file holds, where it is silent, and how pieces become one file."""
