"""How many connections this process has descriptors for: an agent must not use up those that its session ends with."""

import resource

RESERVED = 256
"""For logs, engine, control socket and the sandbox's own pipes."""
FEWEST = 16


def connection_limit(most: int) -> int:
    """At most `most`, and at most half of the descriptors that may be open beside the reserved ones."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    return max(FEWEST, min(most, (soft - RESERVED) // 2))
