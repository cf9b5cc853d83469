"""Measures of an edit: pure functions on arrays, and the judges that took no part in training. benchmarks/ and evaluate/ use them."""
