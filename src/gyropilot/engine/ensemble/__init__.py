"""Combines candidates."""
