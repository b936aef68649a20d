"""What a sweep keeps on disk, and how it knows that it may use it again."""

from sbkit.cache.fingerprint import fingerprint
from sbkit.cache.store import Cache, registered

__all__ = ["Cache", "fingerprint", "registered"]
