"""Reads tables and understands their columns, their target and their rows."""
