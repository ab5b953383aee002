"""Solvent's ledger: the venue's state, the rules that move it, and the witness of each batch; integers only."""
