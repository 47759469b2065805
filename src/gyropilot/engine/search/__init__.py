"""Decides what is tried, and in which order."""
