"""Looks at a table as a person would before a model is made of it: figures, and nothing that draws them."""
