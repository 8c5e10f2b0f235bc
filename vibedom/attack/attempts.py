"""The whole table."""

from vibedom.attack.attempt import Attempt
from vibedom.attack.disk import DISK
from vibedom.attack.files import FILES
from vibedom.attack.kernel import KERNEL
from vibedom.attack.neighbours import NEIGHBOURS
from vibedom.attack.network import NETWORK
from vibedom.attack.packets import PACKETS

ATTEMPTS: tuple[Attempt, ...] = NETWORK + PACKETS + FILES + KERNEL + NEIGHBOURS + DISK
