"""A second, slow evaluation of the circuit in the library galois, which shares no arithmetic with ours."""
