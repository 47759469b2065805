"""Gradient-boosted trees, learned from the shared codes."""
