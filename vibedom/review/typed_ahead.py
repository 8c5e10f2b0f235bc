"""Keys that were pressed before there was anything to see: nobody can have meant them for what is shown now."""

import select
import sys
import termios


def drop_typed_ahead() -> bool:
    """Throw away what the terminal has kept since the command was started; whether there was anything."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    by_key = termios.tcgetattr(terminal)
    by_key[3] &= ~termios.ICANON  # or a line counts only when it is complete
    termios.tcsetattr(terminal, termios.TCSANOW, by_key)
    try:
        has_keys = bool(select.select([terminal], [], [], 0)[0])
        termios.tcflush(terminal, termios.TCIFLUSH)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    return has_keys
