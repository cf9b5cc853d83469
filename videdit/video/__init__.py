"""Files to frames and back: what a file holds (probe), its frames (reader), and a file like it with other pictures (writer)."""
