"""Measures of what the editor does, by judges that took no part in its training: `python -m benchmarks quality|speed --json`."""
