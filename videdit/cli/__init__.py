"""The command line: options -> plan -> run. Nothing here imports torch, OpenCV or PyAV before it is needed."""
