"""The kinds of problems: each has the list of steps that solves it."""
