"""Figures of merit: what they measure, which way is better, which problem they belong to."""
