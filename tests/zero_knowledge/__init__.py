"""What proofs tell of their witness, measured: distributions, linear relations, distinguishers."""
