"""Benchmarks: kernels, proving throughput, committed cells. `python -m benchmarks` runs and plots them."""
