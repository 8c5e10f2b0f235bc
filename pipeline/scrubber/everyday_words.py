"""Tells words that announce something from those that stand in any text."""

_RARE_BYTES = 6
_COMMON_TEXT = (
    b"abstract access access_t accesske accesskey account address api_key apikey application artifact assembly "
    b"authoriz authorization bearer calendar center certific client client_s cluster company config connection "
    b"console contact content contents control conversi cookie copper create credenti credential credentials custom "
    b"customer database default define deploy deployment design device docker document domain encrypti enigma events "
    b"example exchange extension external feature function github google header history http https identifi import "
    b"insight instance internal iterable key language license linear location machine manager master message method "
    b"microsof microsoft mobile module monday monitor name network number object openssl optimize option orange "
    b"origin package parallel parameter params passphrase passwd passwor password people platform plugin position "
    b"primary private private_k private_key privatek privatekey product profile project property protocol provider "
    b"public release report request resource response result return rollbar schema screen search secret secrets "
    b"section security segment sentry server service session shared shortcut signatur signature simple socks5 source "
    b"stabilit stability status storage stream string summary switch system target technica telephone template "
    b"thousand ticket timezone to_ken together token tokens tomorrow transfer trigger unique update upload user "
    b"user_name username value values variable version wallet weather website window windows "
)
_COMMON = frozenset(_COMMON_TEXT.split())
"""Words of six letters and more that stand in everyday text and code, once in a few hundred kilobytes of packages'
sources or more often; shorter ones all count as common. Blanks and signs in a word are `_`."""
_SIGNS = b" _-.:=/\"'\\<>()@?&#,;"
_JOINERS = bytes.maketrans(b" -", b"__")


def is_rare(word: bytes) -> bool:
    """`word` (lower case) seldom stands in text or code, so that looking closely at each is cheap. A sign at its edge
    does not make it rare."""
    return len(word) >= _RARE_BYTES and word.strip(_SIGNS).translate(_JOINERS) not in _COMMON
