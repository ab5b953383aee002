"""Making proofs fast: lanes, transforms, hashing, Merkle trees, quotients, LogUp, FRI, traces."""
