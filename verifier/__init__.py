"""Checking proofs anywhere: parameters, transcript, codec, constraints and FRI (standard library only)."""
