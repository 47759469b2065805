"""Keeps records (SQLite, PostgreSQL, memory), blobs and logs (folder, memory) and keys; `open.py` chooses."""
