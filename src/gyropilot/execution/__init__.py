"""Starts and stops workers and model servers, and speaks to model servers; `open.py` chooses."""
