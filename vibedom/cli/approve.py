"""`vibedom approve`: answer for hosts that an agent waits for."""

import time
from collections.abc import Sequence
from contextlib import aclosing

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.amounts import parse_seconds
from vibedom.cli.ask import ask, can_ask
from vibedom.cli.session_argument import running
from vibedom.control.client import Client
from vibedom.control.messages import Answer, Decide, Question
from vibedom.errors import NoSuchSessionError, UsageError, VibedomError
from vibedom.paths import Home
from vibedom.paths import home as find_home

ANSWERS: dict[str, Answer] = {"o": "once", "s": "session", "a": "always", "n": "no"}


@click.command(short_help="Answer for hosts that an agent waits for.")
@click.argument("question", required=False, metavar="[NUMBER|HOST]")
@click.option("--once", "answer", flag_value="once", help="Let what waits through, and nothing else.")
@click.option("--session", "answer", flag_value="session", help="Until the session ends.")
@click.option("--always", "answer", flag_value="always", help="For good.")
@click.option("--no", "answer", flag_value="no", help="Do not, and do not ask again in this session.")
@click.option("--for", "how_long", metavar="TIME", help="With --session: for that long, such as 1h.")
@click.option("--in", "session", metavar="SESSION", help="Which session. Default: all that run.")
@click.option("--watch", "-w", is_flag=True, help="Stay, and ask about every host as it comes.")
@click.option("--json", "as_json", is_flag=True, help="List what is asked as JSON.")
async def command(
    question: str | None,
    answer: Answer | None,
    how_long: str | None,
    session: str | None,
    watch: bool,
    as_json: bool,
) -> None:
    """List the hosts that are not on the whitelist and that an agent waits for, and answer.

    A request to such a host waits for a while ([approval] wait_seconds, 30 by default) where somebody is there to
    answer: the session has a terminal, or this command watches. Nobody's answer is no.

    \b
    vibedom approve                 ask about each, one key an answer
    vibedom approve 3 --session     let question 3 through until the session ends
    vibedom approve api.example.com --once
    vibedom approve --watch         stay, and answer as they come
    """
    home = find_home()
    seconds = None if how_long is None else parse_seconds(how_long, "--for")
    if watch:
        await _watch(home, session)
        return
    found = await _open_questions(home, session)
    if as_json:
        render.out_json([{"session": name, **msgspec.to_builtins(one)} for name, one in found])
    elif question is not None:
        await _answer_one(home, found, question, answer, seconds)
    elif answer is not None:
        raise UsageError("which one? give its number or its host, as `vibedom approve` lists them")
    elif not found:
        render.err("nothing is asked")
    elif can_ask():
        for name, one in found:
            await _put(home, name, one)
    else:
        rows = [(str(one.id), name, f"{one.host}:{one.port}", _waits(one)) for name, one in found]
        render.out(render.table(rows, ("NUMBER", "SESSION", "HOST", "WAITS")))


async def _open_questions(home: Home, session: str | None) -> list[tuple[str, Question]]:
    """Of one session, or of all that answer."""
    if session is not None:
        record, client = await running(home, session)
        return [(record.id, one) for one in await client.pending()]
    records = await anyio.to_thread.run_sync(sessions.all_sessions, home)
    found = []
    for record in records:
        if record.is_alive:
            try:
                found += [(record.id, one) for one in await Client(home, record.id).pending()]
            except VibedomError:
                continue  # starting or ending
    return found


async def _answer_one(
    home: Home, found: Sequence[tuple[str, Question]], wanted: str, answer: Answer | None, seconds: float | None
) -> None:
    meant = [(name, one) for name, one in found if wanted in (str(one.id), one.host, f"{one.host}:{one.port}")]
    if not meant:
        raise UsageError(f"nobody asks for {wanted} (any more); `vibedom approve` lists what is asked")
    if len({name for name, _ in meant}) > 1:
        raise UsageError(f"more than one session asks for {wanted}; say which one with --in SESSION")
    for name, one in meant:
        if answer is None:
            await _put(home, name, one)
        else:
            await _decide(home, name, one, answer, seconds)


async def _put(home: Home, session: str, question: Question) -> None:
    """Ask on this terminal. Anything that is no clear answer leaves the question open."""
    where = f"{question.host}:{question.port}"
    text = f"{session}: {question.method} {where} ({_waits(question)})  [o]nce [s]ession [a]lways [n]o [l]ater?"
    answer = ANSWERS.get((await ask(render.printable(text)))[:1])
    if answer is not None:
        await _decide(home, session, question, answer, None)


async def _decide(home: Home, session: str, question: Question, answer: Answer, seconds: float | None) -> None:
    request = Decide(question=question.id, answer=answer, seconds=seconds)
    render.err(render.printable(f"{session}: {await Client(home, session).do(request)}"))


def _waits(question: Question) -> str:
    if question.waiting:
        return f"{max(0.0, question.waits_until - time.time()):.0f} s left"
    return "too late for this time"


async def _watch(home: Home, session: str | None) -> None:
    """Until interrupted, or until the named session ends."""
    if not can_ask():
        raise UsageError("--watch needs a terminal to ask on; scripts use `vibedom approve --json` and a number")
    records = [record for record in sessions.all_sessions(home) if record.is_alive]
    wanted = [(await running(home, session))[0].id] if session is not None else [record.id for record in records]
    if not wanted:
        raise NoSuchSessionError("no session is running; start one with `vibedom run PROJECT`")
    render.err(f"watching {', '.join(wanted)}; Ctrl-C ends it", "dim")
    turn = anyio.Lock()
    async with anyio.create_task_group() as group:
        for name in wanted:
            group.start_soon(_watch_one, home, name, turn)


async def _watch_one(home: Home, session: str, turn: anyio.Lock) -> None:
    seen: set[int] = set()
    async with aclosing(Client(home, session).watch_pending()) as changes:
        async for questions in changes:
            for question in questions:
                if question.id not in seen and question.waiting:
                    seen.add(question.id)
                    async with turn:
                        await _put_safely(home, session, question)
    render.err(f"{session} ended", "dim")


async def _put_safely(home: Home, session: str, question: Question) -> None:
    try:
        await _put(home, session, question)
    except UsageError as error:  # answered elsewhere meanwhile
        render.err(render.printable(str(error)), "warn")
