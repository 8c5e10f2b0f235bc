"""What `vibedom policy explain` says of a URL is what the stages do with it."""

from functools import cache
from pathlib import Path
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import RequestHead, Scheme, Target
from tests.support.detection import small_detection
from tests.support.events import captured, run
from vibedom.errors import SettingsError
from vibedom.explanation import explain, read_url
from vibedom.settings import compose
from vibedom.wiring import stages

SCRUBBER = small_detection().scrubber()
_names = st.sampled_from(("a.test", "sub.a.test", "b.test", "evila.test", "10.1.2.3", "github.com", "api.github.com"))
_schemes: st.SearchStrategy[Scheme] = st.sampled_from(("http", "https"))
_endings = st.sampled_from(("", "", "."))
_methods = st.sampled_from(("GET", "POST", "PUT", "DELETE"))
_paths = st.lists(
    st.sampled_from(
        ("/x", "/y", "/", "/x%2Fy", "/..", "/%2e%2e", "/.", "/x;v", "/ä", "/a b", "/%zz", "/X", "//", "/é%20")
    ),
    max_size=4,
).map("".join)
_queries = st.sampled_from(("", "?q=1", "?q=/x/..", "?%2e", "#part", "?a b"))
_ports = st.sampled_from(("", ":443", ":80", ":8443"))
_patterns = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(("", "", "", "!")),
    st.sampled_from(("", "", "", "GET ", "POST ")),
    st.sampled_from(("a.test", "*.a.test", "**.a.test", "b.test", "10.1.2.3", "github.com", "*.github.com")),
    st.sampled_from(("", "", "", ":8443", ":443")),
    st.sampled_from(("", "", "", "/x/**", "/x", "/x/*", "/y/../x")),
)


@cache
def _is_loaded(line: str) -> bool:
    try:
        compose(line, "", config=Path("/"), clients=lambda: ())
    except SettingsError:
        return False
    return True


_lines = st.lists(_patterns.filter(_is_loaded), max_size=5)
_contexts = st.sampled_from(
    ("", '[[hosts]]\npattern = "a.test"\ncontext = "internal"\n', '[[hosts]]\npattern = "b.test"\n')
)


@settings(max_examples=120, deadline=None)
@given(_lines, _contexts, _schemes, _names, _endings, _ports, _paths, _queries, _methods)
def test_the_explanation_is_the_decision(
    lines: list[str], more: str, scheme: Scheme, name: str, ending: str, port: str, path: str, query: str, method: str
) -> None:
    policy = compose("\n".join(lines), more, config=Path("/"), clients=lambda: ())
    url = f"{scheme}://{name.upper()}{'' if name[0].isdigit() else ending}{port}{path}{query}"
    answer = explain(policy, url, method=method)
    host, number, _ = read_url(url)
    sent = (path or "/") + query.partition("#")[0]
    target = Target(scheme=scheme, host=host, port=number, sni=host if scheme == "https" else None, authority=host)
    head = RequestHead(method=method, path=quote(sent, safe="/?%=;.~").encode(), headers=((b"host", host.encode()),))
    judged = run(stages(policy, policy.hosts, SCRUBBER), captured(target=target, request=head))
    assert answer.decision == judged.decision
    assert answer.context == judged.scrubbed.context
