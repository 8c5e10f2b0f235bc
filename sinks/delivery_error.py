"""What a delivery raises: never with the text of what it was sending or to whom it authenticated."""


class DeliveryError(Exception):
    """The alerts were not accepted; give them again later."""
