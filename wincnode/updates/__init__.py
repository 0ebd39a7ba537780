"""Updates of Windows that containers need or that break them, disputed settings, known holes.

They are dated rows. A file of one's own goes before the rows that ship, by their ids.
"""

from wincnode.updates.load import load_updates
from wincnode.updates.model import Override, Update, UpdateKind, Updates

__all__ = ["Override", "Update", "UpdateKind", "Updates", "load_updates"]
