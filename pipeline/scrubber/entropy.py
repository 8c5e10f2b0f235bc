"""Shannon entropy as gitleaks computes it."""

from collections import Counter
from math import log2

_TERMS = tuple(n * log2(n) if n else 0.0 for n in range(1024))


def shannon_entropy(secret: bytes) -> float:
    """Bits a byte; 0 for nothing. Counts characters, and divides by bytes, as gitleaks does."""
    if not secret:
        return 0.0
    counts = Counter(secret if secret.isascii() else secret.decode("utf-8", "replace")).values()
    size = len(secret)
    weighted = sum(_TERMS[n] if n < 1024 else n * log2(n) for n in counts)
    return (sum(counts) * log2(size) - weighted) / size
