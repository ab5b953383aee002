"""Tests of verifier/."""
