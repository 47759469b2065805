"""The scripts, one per change of the tables; a published one is never changed."""
