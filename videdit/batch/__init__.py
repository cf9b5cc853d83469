"""Many clips: what one of them asks for, and who does it: this process, or workers on this machine.

task     one clip's work, start to end
inline   one after the other, in this process
local    in processes that are replaced when they die; worker is the other side of their pipes
memory   what is left of it, and what an error says of it
told     a clip's report as plain values, from one process to another
"""

from __future__ import annotations

from videdit.batch.inline import run_inline
from videdit.batch.local import run_local
from videdit.batch.task import Done, Task, Tools, do

__all__ = ["Done", "Task", "Tools", "do", "run_inline", "run_local"]
