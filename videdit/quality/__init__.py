"""Measures of an edit: pure functions on arrays. benchmarks/ feeds them with judges that took no part in training."""
