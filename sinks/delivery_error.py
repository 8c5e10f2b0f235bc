"""What a delivery raises: never with the text of what it was sending or to whom it authenticated."""

_CAUSES = {
    "SSLCertVerificationError": "its certificate is for another name or not trusted: check the host and `ca`",
    "SSLError": "TLS failed",
    "gaierror": "no host of that name",
    "ConnectionRefusedError": "nobody listens there",
    "AuthorizationError": "it refuses the login",
    "AuthenticationError": "it refuses the login",
    "NoPermissionError": "it refuses the login",
    "CredentialsError": "the file holds no credentials",
    "FileNotFoundError": "a file of the settings is missing",
    "PermissionError": "a file of the settings cannot be read",
    "TimeoutError": "no answer in time",
}
"""By the name of a type: libraries wrap the system's errors, and put addresses with passwords into their texts."""


class DeliveryError(Exception):
    """The alerts were not accepted; give them again later."""


def cause(error: BaseException) -> str:
    """The type of an error, with the reason where it or one that it comes from is known. Never its text."""
    name = type(error).__name__
    inner: BaseException | None = error
    while inner is not None:
        if known := _known(inner):
            return f"{name}: {known}"
        inner = inner.__cause__ or inner.__context__
    return name


def _known(error: BaseException) -> str | None:
    return next((_CAUSES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _CAUSES), None)
