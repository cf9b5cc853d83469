"""python -m videdit"""

from videdit.cli.main import entry

entry()
