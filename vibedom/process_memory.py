"""How much memory this process takes."""

import resource
import sys
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory now; where the kernel does not tell, the most it has been."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        return pages * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
