"""The mutation harness: each labelled constraint is violated by name, and without it a false statement passes."""
