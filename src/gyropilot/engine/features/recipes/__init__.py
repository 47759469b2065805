"""Recipes: named steps between encoded cells and an algorithm. `catalogue.py` lists them."""
