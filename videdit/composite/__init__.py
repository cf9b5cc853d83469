"""Composite: put what the edit changed, and nothing else, back into the frame.

analyse     two renders of a face, before and after -> what moved, what came, what must be replaced (crop pixels)
steady      the same, filtered over time
apply       one frame's planes, changed in place
"""

from videdit.composite.apply import apply as apply
from videdit.composite.steady import Filter as Filter
from videdit.composite.steady import behind_of as behind_of
from videdit.composite.steady import needed_from as needed_from
from videdit.composite.steady import steady as steady
from videdit.composite.transfer import Change as Change
from videdit.composite.transfer import analyse as analyse
from videdit.composite.transfer import moves_of as moves_of
