"""Averages of many trees, each of which is grown by itself from the shared codes."""
