"""The whole table."""

from vibedom.attack.attempt import Attempt
from vibedom.attack.disk import DISK
from vibedom.attack.files import FILES
from vibedom.attack.kernel import KERNEL
from vibedom.attack.neighbours import NEIGHBOURS
from vibedom.attack.network import NETWORK

ATTEMPTS: tuple[Attempt, ...] = NETWORK + FILES + KERNEL + NEIGHBOURS + DISK
