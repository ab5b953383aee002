"""Solvent's command line."""
