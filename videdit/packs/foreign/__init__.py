"""Other projects' checkpoints: read as data (pickles, tensors, files), understood (stylegan2, encoders, directions) and
made into a pack (importing)."""
