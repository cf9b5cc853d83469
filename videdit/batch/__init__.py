"""Many clips: what one of them asks for, and who does it: this process, workers on this machine, or a Ray cluster.

task     one clip's work, start to end
inline   one after the other, in this process
local    in processes that are replaced when they die; worker is the other side of their pipes
memory   what is left of it, and what an error says of it
cluster  on a Ray cluster; node is what its tasks do
places   files elsewhere, by fsspec: copied here, and outputs copied there
told     a clip's report as plain values, from one process to another
"""
