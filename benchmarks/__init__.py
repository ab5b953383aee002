"""Benchmarks: kernels against reference rates, proving throughput end to end, committed cells; `python -m benchmarks`."""
