"""Writes a job's candidate definitions: a notebook that a person reads, changes and runs, and the module it imports."""
