"""The whole table."""

from tests.attack.attempt import Attempt
from tests.attack.files import FILES
from tests.attack.kernel import KERNEL
from tests.attack.neighbours import NEIGHBOURS
from tests.attack.network import NETWORK

ATTEMPTS: tuple[Attempt, ...] = NETWORK + FILES + KERNEL + NEIGHBOURS
