"""Small parameters for tests, and the answer of the whole pipeline to a set of columns, honest or not."""

from verifier.params import Parameters

TEST_PARAMETERS = Parameters("test", log_blowup=2, queries=16, grinding_bits=(0, 0, 4, 4, 4))
