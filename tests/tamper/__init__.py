"""Forgeries: what a dishonest operator would try, and what stops it."""
