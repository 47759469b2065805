"""Models of candidates: created, deployed, asked, and applied to files."""
