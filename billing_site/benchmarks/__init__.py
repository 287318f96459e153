"""Benchmarks and the invariants that must hold after any run, killed or not. Never on the user's data."""
