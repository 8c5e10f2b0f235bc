"""Tells words that announce something from those that stand in any text."""

_RARE_BYTES = 6
_COMMON_TEXT = (
    b"access account address api-key api_key apikey application authorization bearer center client cluster company "
    b"config connection contact content control cookie copper create credential credentials custom customer "
    b"database default deploy deployment design device domain enigma events example extension external feature "
    b"function google header history import insight instance internal license linear location machine manager "
    b"message method mobile module monday monitor network number object option orange origin package parameter "
    b"password passphrase passwd people platform plugin position private product profile project property provider "
    b"public release report request resource response result return schema screen search secret secrets section "
    b"security server service session simple source status storage stream string summary switch system target "
    b"telephone template ticket to-ken token tokens trigger unique update upload user-name username version wallet "
    b"weather website window windows "
)
_COMMON = frozenset(_COMMON_TEXT.split())
"""Words of six letters and more that stand in everyday text and code; shorter ones all count as common."""


def is_rare(word: bytes) -> bool:
    """`word` (lower case) seldom stands in text or code, so that looking closely at each is cheap."""
    return len(word) >= _RARE_BYTES and word not in _COMMON
