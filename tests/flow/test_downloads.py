"""Files fetched over either runtime: gone on with where they were left, checked, and a token told to its hub alone."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shelf import Shelf, redirect

from modelhub.catalog.download import Download
from modelhub.catalog.part import Part
from modelhub.errors import (
    AnswerError,
    KeyRefused,
    ModelhubError,
    ProviderDown,
    RateLimited,
    SetupError,
    TransportError,
    UnknownModel,
    Unreachable,
)
from modelhub.model import Timeouts
from modelhub.route import Route
from modelhub.testing.server import FaultServer, Received, Reply
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.credentials import Bearer, Plain
from modelhub.transport.drive import drive

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes: several reads, and no two pieces alike
Fetch = Callable[[Download, Part], str]


def blocking(download: Download, part: Part) -> str:
    runtime = BlockingRuntime()
    try:
        return drive(download.run(part, runtime))
    finally:
        runtime.close()


def awaited(download: Download, part: Part) -> str:
    async def run() -> str:
        runtime = AsyncRuntime()
        try:
            return await download.run(part, runtime)
        finally:
            await runtime.aclose()

    return asyncio.run(run())


@pytest.fixture(params=[blocking, awaited])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    chosen: Fetch = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    with Part(str(tmp_path / "part"), "模型.bin") as opened:
        yield opened


def at(server: FaultServer, path: str = "/m.bin") -> Download:
    return Download(address=server.url + path, timeouts=Timeouts(total=None, idle=5, first_token=5))


def begun(part: Part, content: bytes, **state: object) -> None:
    """As another process left it."""
    from modelhub.catalog.part import State

    part.begin()
    part.append([content])
    part.remember(State(**state))  # type: ignore[arg-type]
    part._shut()


def heedless(request: Received) -> Reply:
    """A server that honours the range and not its condition."""
    begin = int(request.headers.get("range", "bytes=0-")[6:-1])
    place = {"content-range": f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"} if begin else {}
    return Reply(206 if begin else 200, headers={"etag": '"v1"', **place}, body=CONTENT[begin:])


def test_a_file_comes_whole(fetch: Fetch, server: FaultServer, part: Part) -> None:
    shelf = Shelf(CONTENT)
    server.on("/m.bin", shelf.answer)
    told: list[tuple[int, int, str]] = []
    path = fetch(Download(address=server.url + "/m.bin", progress=lambda *step: told.append(step)), part)
    assert Path(path).read_bytes() == CONTENT
    assert os.path.basename(path) == "模型.bin"
    assert told[-1] == (len(CONTENT), len(CONTENT), "模型.bin")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert part.state.sha256 == shelf.sha256
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert "authorization" not in server.requests[0].headers


def test_an_empty_file_is_a_file(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Shelf(b"").answer)
    assert Path(fetch(at(server), part)).read_bytes() == b""


def test_a_connection_that_breaks_is_made_again_and_gone_on_with(fetch: Fetch, server: FaultServer, part: Part) -> None:
    shelf = Shelf(CONTENT, cuts=[300_000, 1, 200_000])
    server.on("/m.bin", shelf.answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    asked = [request.headers.get("range") for request in server.requests]
    assert asked == [None, "bytes=300000-", "bytes=300001-", "bytes=500001-"]
    assert {request.headers.get("if-range") for request in server.requests[1:]} == {'"v1"'}


def test_what_a_process_left_is_gone_on_with(fetch: Fetch, server: FaultServer, part: Part) -> None:
    begun(part, CONTENT[:700_000], etag='"v1"', total=len(CONTENT))
    server.on("/m.bin", Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert [request.headers.get("range") for request in server.requests] == ["bytes=700000-"]


def test_a_file_that_has_changed_begins_anew(fetch: Fetch, server: FaultServer, part: Part) -> None:
    begun(part, b"old" * 1000, etag='"v0"', total=len(CONTENT))
    server.on("/m.bin", Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT


def test_a_server_that_goes_on_with_another_file_is_seen_through(fetch: Fetch, server: FaultServer, part: Part) -> None:
    """It honours the range and not the condition, and its tag tells."""
    begun(part, b"old" * 1000, etag='"v0"', total=len(CONTENT))
    server.on("/m.bin", heedless)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert [request.headers.get("range") for request in server.requests] == ["bytes=3000-", None]


def test_a_server_without_ranges_sends_it_all_again(fetch: Fetch, server: FaultServer, part: Part) -> None:
    shelf = Shelf(CONTENT, ranges=False, cuts=[400_000])
    server.on("/m.bin", shelf.answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_without_a_tag_or_a_checksum_nothing_is_gone_on_with(fetch: Fetch, server: FaultServer, part: Part) -> None:
    begun(part, b"what this is of nobody can tell", total=len(CONTENT))
    server.on("/m.bin", Shelf(CONTENT, etag=None).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert "range" not in server.requests[0].headers


def test_a_weak_tag_is_no_condition_but_the_checksum_is_one(fetch: Fetch, server: FaultServer, part: Part) -> None:
    shelf = Shelf(CONTENT, etag='W/"v1"')
    begun(part, CONTENT[:1000], etag='W/"v1"', total=len(CONTENT))
    server.on("/m.bin", shelf.answer)
    download = Download(address=server.url + "/m.bin", sha256=shelf.sha256)
    assert Path(fetch(download, part)).read_bytes() == CONTENT
    assert "if-range" not in server.requests[0].headers
    assert server.requests[0].headers["range"] == "bytes=1000-"


def test_a_part_that_is_whole_is_asked_for_no_more(fetch: Fetch, server: FaultServer, part: Part) -> None:
    """A process ended between the last byte and the check: 416 says that nothing is missing."""
    begun(part, CONTENT, etag='"v1"', total=len(CONTENT))
    server.on("/m.bin", Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert len(server.requests) == 1
    again = len(server.requests)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert len(server.requests) == again


def test_a_part_that_is_longer_than_the_file_begins_anew(fetch: Fetch, server: FaultServer, part: Part) -> None:
    begun(part, CONTENT + b"more", etag='"v1"', total=len(CONTENT) + 4)
    server.on("/m.bin", Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Shelf(CONTENT).answer)
    with pytest.raises(AnswerError, match="should be " + "0" * 64):
        fetch(Download(address=server.url + "/m.bin", sha256="0" * 64), part)
    assert (part.size, part.whole) == (0, False)


def test_the_hub_tells_the_checksum_and_the_other_host_does_not(fetch: Fetch, server: FaultServer, part: Part) -> None:
    """Some hosts' tags are checksums of another kind: only the hub's own word counts."""
    shelf = Shelf(CONTENT, etag=f'"{"a" * 64}"')
    with FaultServer() as elsewhere:
        elsewhere.on("/blob", shelf.answer)
        server.on("/m.bin", redirect(elsewhere, "/blob", x_linked_etag=f'"{shelf.sha256}"', x_linked_size=str(len(CONTENT))))
        assert Path(fetch(at(server), part)).read_bytes() == CONTENT
        part.reset()
        server.on("/m.bin", redirect(elsewhere, "/blob", x_linked_etag='"' + "b" * 64 + '"'))
        with pytest.raises(AnswerError, match="should be " + "b" * 64):
            fetch(at(server), part)


def test_a_token_goes_to_the_hub_and_nowhere_else(fetch: Fetch, server: FaultServer, part: Part) -> None:
    shelf = Shelf(CONTENT, cuts=[1000])
    with FaultServer() as elsewhere:
        elsewhere.on("/blob", shelf.answer)
        server.on("/m.bin", Reply(307, headers={"location": "/moved.bin"}))
        server.on("/moved.bin", redirect(elsewhere, "/blob", x_linked_etag=shelf.sha256))
        fetch(Download(address=server.url + "/m.bin", token=Bearer(Plain("hf_sentinel"))), part)
        assert {request.headers.get("authorization") for request in server.requests} == {"Bearer hf_sentinel"}
        assert [request.headers.get("range") for request in elsewhere.requests] == [None, "bytes=1000-"]
        for request in elsewhere.requests:
            assert "hf_sentinel" not in repr(dict(request.headers))


def test_redirects_that_lead_nowhere_end(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Reply(302, headers={"location": "/m.bin"}))
    with pytest.raises(AnswerError, match="more than 8 times"):
        fetch(at(server), part)
    for nowhere in ("ftp://x/y", "file:///etc/passwd"):
        server.on("/m.bin", Reply(302, headers={"location": nowhere}))
        with pytest.raises(AnswerError, match="no file is fetched from"):
            fetch(at(server), part)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, KeyRefused), (403, KeyRefused), (404, UnknownModel), (410, ModelhubError), (400, ModelhubError)]
)
def test_a_refusal_is_told_at_once(fetch: Fetch, server: FaultServer, part: Part, status: int, kind: type[Exception]) -> None:
    begun(part, CONTENT[:10], etag='"v1"', total=len(CONTENT))
    told = {"x-error-code": "GatedRepo", "x-error-message": "Access to model o/m is restricted."}
    server.on("/m.bin?sig=geheim", Reply(status, headers=told, body="<html>"))
    with pytest.raises(kind, match=r"Access to model o/m is restricted") as raised:
        fetch(Download(address=server.url + "/m.bin?sig=geheim", help="Set HF_TOKEN."), part)
    assert ("Set HF_TOKEN." in str(raised.value)) is (kind is KeyRefused)
    assert "geheim" not in str(raised.value)
    assert len(server.requests) == 1
    assert part.size == 10


def test_a_server_that_is_down_for_a_moment_is_asked_again(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Reply(503), Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_server_that_stays_down_is_told_of(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Reply(502, body="<html>bad gateway</html>"))
    with pytest.raises(ProviderDown, match="502"):
        fetch(at(server), part)
    assert len(server.requests) == 3


def test_whoever_asks_for_an_hour_is_not_waited_for(fetch: Fetch, server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Reply(429, headers={"retry-after": "3600"}))
    with pytest.raises(RateLimited):
        fetch(at(server), part)
    assert len(server.requests) == 1


def test_nobody_there_is_told(fetch: Fetch, part: Part) -> None:
    with pytest.raises(Unreachable):
        fetch(Download(address="http://127.0.0.1:9/m.bin"), part)


def test_a_body_that_lies_about_its_place_is_not_believed(fetch: Fetch, server: FaultServer, part: Part) -> None:
    begun(part, CONTENT[:1000], etag='"v1"', total=len(CONTENT))
    wrong = Reply(
        206, headers={"etag": '"v1"', "content-range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}, body=CONTENT[5:]
    )
    server.on("/m.bin", wrong, Shelf(CONTENT).answer)
    assert Path(fetch(at(server), part)).read_bytes() == CONTENT
    part.reset()
    os.unlink(part.whole_path)
    begun(part, CONTENT[:1000], etag='"v1"', total=len(CONTENT))
    server.on("/m.bin", Reply(206, body=CONTENT[1000:]))
    with pytest.raises(AnswerError, match="does not say which"):
        fetch(at(server), part)


def test_without_room_it_is_not_begun(fetch: Fetch, server: FaultServer, part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    server.on("/m.bin", Shelf(CONTENT).answer)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 100_000))
    with pytest.raises(SetupError, match=r"97\.7 KiB free and needs .* MODELHUB_CACHE"):
        fetch(at(server), part)
    assert part.size == 0


def test_two_at_once_do_not_write_one_file(part: Part) -> None:
    with pytest.raises(SetupError, match="being fetched already"):
        Part(part.folder, part.name)
    Part(part.folder, "another.bin").close()


@pytest.mark.parametrize("state", ["", "[]", "{", '{"etag": 5}', '{"total": "x"}', '{"other": 1}'])
def test_a_state_that_is_not_ours_begins_anew(server: FaultServer, tmp_path: Path, state: str) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "m.bin.part").write_bytes(b"stale")
    (folder / "m.bin.json").write_text(state, encoding="utf-8")
    server.on("/m.bin", Shelf(CONTENT).answer)
    with Part(str(folder), "m.bin") as opened:
        assert Path(blocking(at(server), opened)).read_bytes() == CONTENT


def test_ctrl_c_keeps_what_has_come(server: FaultServer, tmp_path: Path) -> None:
    server.on("/m.bin", Shelf(CONTENT).answer)

    def interrupt(done: int, total: int, what: str) -> None:
        if done > 300_000:
            raise KeyboardInterrupt

    folder = str(tmp_path / "part")
    with Part(folder, "m.bin") as opened, pytest.raises(KeyboardInterrupt):
        blocking(Download(address=server.url + "/m.bin", progress=interrupt), opened)
    with Part(folder, "m.bin") as opened:
        kept = opened.size
        assert kept > 300_000
        assert Path(blocking(at(server), opened)).read_bytes() == CONTENT
    assert server.requests[-1].headers["range"] == f"bytes={kept}-"


def test_a_task_that_is_cancelled_keeps_what_has_come(server: FaultServer, tmp_path: Path) -> None:
    server.on("/m.bin", Reply(headers={"etag": '"v1"'}, body=CONTENT, fault="stall", at="middle"), Shelf(CONTENT).answer)
    folder = str(tmp_path / "part")

    async def run() -> None:
        runtime = AsyncRuntime()
        came = asyncio.Event()
        with Part(folder, "m.bin") as opened:
            seen = lambda done, *_: came.set() if done > 400_000 else None  # noqa: E731
            download = Download(address=server.url + "/m.bin", progress=seen)
            task = asyncio.create_task(download.run(opened, runtime))
            await asyncio.wait_for(came.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await runtime.aclose()

    asyncio.run(run())
    with Part(folder, "m.bin") as opened:
        assert opened.size > 400_000
        assert Path(blocking(at(server), opened)).read_bytes() == CONTENT


def test_a_stream_that_stalls_is_left_and_gone_on_with(fetch: Fetch, server: FaultServer, part: Part) -> None:
    stalled = Reply(headers={"etag": '"v1"'}, body=CONTENT, fault="stall", at="middle")
    server.on("/m.bin", stalled, Shelf(CONTENT).answer)
    download = Download(address=server.url + "/m.bin", timeouts=Timeouts(idle=0.5, total=None))
    assert Path(fetch(download, part)).read_bytes() == CONTENT
    assert server.requests[1].headers["range"] == f"bytes={len(CONTENT) // 2}-"


def test_a_stream_that_always_breaks_at_the_same_byte_ends_in_an_error(server: FaultServer, part: Part) -> None:
    server.on("/m.bin", Reply(headers={"etag": '"v1"'}, length=len(CONTENT), close=True))
    with pytest.raises(TransportError):
        blocking(at(server), part)
    assert len(server.requests) == 3


def test_a_file_goes_by_the_way_that_was_chosen(fetch: Fetch, server: FaultServer, part: Part) -> None:
    """The server plays the proxy: it is asked for the whole address."""
    server.on("http://files.example/m.bin", Reply(200, {}, CONTENT))
    route = Route(proxy=server.url)
    fetch(Download(address="http://files.example/m.bin", route=route), part)
    assert [request.path for request in server.requests] == ["http://files.example/m.bin"]


def test_a_file_comes_into_a_folder_under_its_name_and_is_locked_meanwhile(server: FaultServer, tmp_path: Path) -> None:
    server.on("/m.bin", Reply(200, {}, CONTENT))
    folder, runtime = str(tmp_path / "models"), BlockingRuntime()
    try:
        with Part(folder, "模型.bin"), pytest.raises(SetupError, match="being fetched already"):
            drive(at(server).into(folder, "模型.bin", runtime))
        path = drive(at(server).into(folder, "模型.bin", runtime))
    finally:
        runtime.close()
    assert path == os.path.join(folder, "模型.bin")
    assert Path(path).read_bytes() == CONTENT
