"""NATS and Redis that ask for a password or credentials and speak TLS: messages arrive with the right ones only."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from sinks.courier import Carrier
from sinks.delivery_error import DeliveryError
from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.redis_stream import RedisCarrier, RedisSettings
from sinks.stream import Message
from tests.integration.sinks.nats_accounts import with_accounts, with_nkey
from tests.integration.sinks.servers import Server, free_ports, program
from tests.integration.sinks.test_streams import read
from tests.unit.sinks.test_deliveries import self_signed
from vibedom.errors import VibedomError
from vibedom.fleet.source import SourceSettings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
PASSWORD = "pa" + "ss-of-the-stream"
MESSAGE = Message(id="m1", kind="record", session="s1", number=1, data=msgspec.Raw(b'{"flow":"f7"}'))
Changes = dict[str, object]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `cert.pem` and `key.pem` of localhost, `other.pem` of somebody else, and files with passwords."""
    directory = tmp_path_factory.mktemp("secured")
    self_signed(directory)
    (directory / "other").mkdir()
    self_signed(directory / "other")
    (directory / "other" / "cert.pem").rename(directory / "other.pem")
    (directory / "password").write_text(PASSWORD + "\n")
    (directory / "wrong").write_text("wrong" + PASSWORD)
    return directory


def started(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def nats_server(directory: Path, name: str, lines: str) -> Server:
    (port,) = free_ports(1)
    config = directory / f"{name}.conf"
    config.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{directory}/{name}' }}\n{lines}")
    return Server([program("nats-server"), "-c", str(config)], port)


@pytest.fixture(scope="module")
def nats_tls(directory: Path) -> Iterator[Server]:
    tls = f"tls {{ cert_file: '{directory}/cert.pem', key_file: '{directory}/key.pem' }}\n"
    user = f"authorization {{ user: vibedom, password: '{PASSWORD}' }}\n"
    yield from started(nats_server(directory, "tls", tls + user))


@pytest.fixture(scope="module")
def redis_tls(directory: Path) -> Iterator[Server]:
    (port,) = free_ports(1)
    argv = [program("redis-server"), "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    files = ["--tls-cert-file", str(directory / "cert.pem"), "--tls-key-file", str(directory / "key.pem")]
    options = ["--tls-auth-clients", "no", "--requirepass", PASSWORD, "--dir", str(directory)]
    yield from started(Server([*argv, *files, *options], port))


def nats_settings(server: Server, directory: Path) -> NatsSettings:
    url = f"tls://vibedom:{PASSWORD}@localhost:{server.port}"
    return NatsSettings(servers=(url,), ca=str(directory / "cert.pem"))


def redis_settings(server: Server, directory: Path) -> RedisSettings:
    password, ca = str(directory / "password"), str(directory / "cert.pem")
    return RedisSettings(url=f"rediss://localhost:{server.port}/0", password_file=password, ca=ca)


async def carried(setting: SourceSettings) -> list[Message]:
    carrier: Carrier
    if isinstance(setting, NatsSettings):
        carrier = NatsCarrier(setting, session="s1")
    else:
        carrier = RedisCarrier(setting, session="s1")
    try:
        await carrier.carry([msgspec.json.encode(MESSAGE)])
    finally:
        await carrier.aclose()
    return await read(setting)


async def test_nats_takes_messages_over_tls_with_a_password(nats_tls: Server, directory: Path) -> None:
    assert await carried(nats_settings(nats_tls, directory)) == [MESSAGE]


async def test_redis_takes_messages_over_tls_with_a_password(redis_tls: Server, directory: Path) -> None:
    assert await carried(redis_settings(redis_tls, directory)) == [MESSAGE]


Login = tuple[str, Changes, str]
"""Lines of a server's configuration, settings that it takes, and user information of the URL."""


def by_credentials(directory: Path) -> Login:
    lines, file = with_accounts(directory)
    return lines, {"credentials_file": str(file)}, ""


def by_nkey(directory: Path) -> Login:
    key, file = with_nkey(directory)
    return f"authorization {{ users: [{{ nkey: {key} }}] }}\n", {"nkey_file": str(file)}, ""


def by_token(directory: Path) -> Login:
    return f"authorization {{ token: '{PASSWORD}' }}\n", {"password_file": str(directory / "password")}, ""


def by_escaped_password(directory: Path) -> Login:
    return f"authorization {{ user: 'k/m', password: '{PASSWORD}/@' }}\n", {}, f"k%2Fm:{PASSWORD}%2F%40@"


def by_password_in_a_file(directory: Path) -> Login:
    line = f"authorization {{ user: kim, password: '{PASSWORD}' }}\n"
    return line, {"password_file": str(directory / "password")}, "kim@"


@pytest.mark.parametrize(
    "login", [by_credentials, by_nkey, by_token, by_escaped_password, by_password_in_a_file], ids=lambda it: it.__name__
)
async def test_nats_takes_messages_of_who_logs_in_and_of_nobody_else(
    directory: Path, login: Callable[[Path], Login]
) -> None:
    lines, changes, user = login(directory)
    server = nats_server(directory, login.__name__, lines)
    try:
        server.start()
        setting = NatsSettings(servers=(f"nats://{user}127.0.0.1:{server.port}",), **changes)  # type: ignore[arg-type]
        assert await carried(setting) == [MESSAGE]
        with pytest.raises(DeliveryError, match="AuthorizationError: it refuses the login"):
            await carried(NatsSettings(servers=(f"nats://127.0.0.1:{server.port}",)))
    finally:
        server.kill()


@pytest.mark.parametrize("name", ["credentials_file", "nkey_file"])
@pytest.mark.parametrize("content", ["", "SUGARBAGE", "\xff"])
async def test_file_that_holds_no_credentials_is_one_line(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "file").write_bytes(content.encode("latin-1"))
    setting = NatsSettings(servers=("nats://127.0.0.1:1",), **{name: str(tmp_path / "file")})  # type: ignore[arg-type]
    with pytest.raises(
        DeliveryError, match=r"\Anats: not accepted \(CredentialsError: the file holds no credentials\)\Z"
    ):
        await carried(setting)


def wrong_settings(directory: Path) -> dict[str, Callable[[NatsSettings | RedisSettings], Changes]]:
    def other_name(setting: NatsSettings | RedisSettings) -> Changes:
        """The certificate is for localhost."""
        if isinstance(setting, NatsSettings):
            return {"servers": (setting.servers[0].replace("localhost", "127.0.0.1"),)}
        return {"url": setting.url.replace("localhost", "127.0.0.1")}

    def other_password(setting: NatsSettings | RedisSettings) -> Changes:
        if isinstance(setting, NatsSettings):
            return {"servers": (setting.servers[0].replace(PASSWORD, "wrong" + PASSWORD),)}
        return {"password_file": str(directory / "wrong")}

    return {
        "name": other_name,
        "password": other_password,
        "ca": lambda setting: {"ca": str(directory / "other.pem")},
        "no ca": lambda setting: {"ca": None},
        "missing ca": lambda setting: {"ca": str(directory / "missing.pem")},
    }


WHY = {
    "name": "its certificate is for another name or not trusted",
    "password": "it refuses the login",
    "ca": "its certificate is for another name or not trusted",
    "no ca": "its certificate is for another name or not trusted",
    "missing ca": "a file of the settings is missing",
}


@pytest.mark.parametrize("kind", ["nats", "redis"])
@pytest.mark.parametrize("wrong", list(WHY))
async def test_server_that_is_not_the_right_one_or_refuses_gets_nothing_and_the_line_holds_no_password(
    request: pytest.FixtureRequest, directory: Path, kind: str, wrong: str
) -> None:
    server = request.getfixturevalue(f"{kind}_tls")
    right = (nats_settings if kind == "nats" else redis_settings)(server, directory)
    setting = msgspec.structs.replace(right, **wrong_settings(directory)[wrong](right))
    with pytest.raises(DeliveryError, match=r"\Anats: |\Aredis: ") as sending:
        await carried(setting)
    with pytest.raises(VibedomError, match="cannot be read") as reading:
        await read(setting)
    for error in (sending.value, reading.value):
        assert WHY[wrong] in str(error)
        assert PASSWORD not in str(error)
        assert "\n" not in str(error)
