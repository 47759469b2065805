"""Turns cells into the one numeric representation that every algorithm learns from."""
