"""Edit faces in video: a smile, years, glasses, and nothing else in the file changes."""

__version__ = "0.1.0"
