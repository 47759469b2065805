"""The ways to learn, by families; `catalogue.py` lists them."""
