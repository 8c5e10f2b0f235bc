"""The whole table."""

from vibedom.attack.attempt import Attempt
from vibedom.attack.disk import DISK
from vibedom.attack.files import FILES
from vibedom.attack.fronting import FRONTING
from vibedom.attack.http2 import HTTP2
from vibedom.attack.kernel import KERNEL
from vibedom.attack.neighbours import NEIGHBOURS
from vibedom.attack.network import NETWORK
from vibedom.attack.packets import PACKETS
from vibedom.attack.scrubbing import SCRUBBING
from vibedom.attack.smuggling import SMUGGLING

ATTEMPTS: tuple[Attempt, ...] = (
    NETWORK + PACKETS + FRONTING + SMUGGLING + HTTP2 + SCRUBBING + FILES + KERNEL + NEIGHBOURS + DISK
)
