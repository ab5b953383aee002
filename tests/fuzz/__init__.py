"""Fuzzing: whatever stands in a file that a user hands over, it is read or refused, and nothing else happens."""
