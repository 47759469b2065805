"""Networks of layers, trained by epochs on one design: `design.py`."""
