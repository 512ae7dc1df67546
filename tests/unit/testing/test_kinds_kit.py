"""The conformance classes of the other five kinds: good models pass, broken ones are caught."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from modelhub.errors import Unsupported
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.interfaces.image import GeneratedImage, ImageRequest, ImageResponse
from modelhub.interfaces.reranking import Ranked, RerankingRequest, RerankingResponse
from modelhub.interfaces.speech import AudioDelta, SpeechRequest, SpeechResponse
from modelhub.interfaces.transcription import (
    Segment,
    SegmentTranscribed,
    TranscriptDelta,
    TranscriptionRequest,
    TranscriptionResponse,
    Word,
)
from modelhub.model import AnyModel, Finished, Kind, ModelCard, Request, Response, Runtime
from modelhub.testing import (
    EmbeddingConformance,
    FakeRuntime,
    ImageConformance,
    RerankingConformance,
    SpeechConformance,
    TranscriptionConformance,
)
from modelhub.testing.conformance.samples import picture, sound
from modelhub.testing.driven import Driven, driven
from modelhub.testing.laws import collect, merge

WHO: dict[str, Any] = {"model": "m", "provider": "own"}


def card(kind: Kind, *settings: str, **capabilities: bool) -> ModelCard:
    return ModelCard(model="own:m", kind=kind, settings=frozenset(settings), capabilities=capabilities)


@dataclass(frozen=True)
class Whole:
    """A model that answers whole only."""

    card: ModelCard
    answer: Any = field(repr=False)

    async def call(self, request: Request, runtime: Runtime) -> Response:
        response: Response = await runtime.in_thread(self.answer, request)
        return response

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        raise Unsupported("own:m answers whole only.", feature="stream", model="own:m")
        yield  # type: ignore[unreachable]  # it is a generator all the same


@dataclass(frozen=True)
class Pieces(Whole):
    """A model that streams, in the pieces that ``cut`` makes of the answer."""

    cut: Any = field(default=None, repr=False)

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        response = await self.call(request, runtime)
        for event in self.cut(response):
            yield event
        yield Finished(response)


def digest(text: str) -> list[float]:
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def embedded(request: EmbeddingRequest) -> EmbeddingResponse:
    buffer, count, dimensions = pack([digest(text) for text in request.inputs])
    return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions, **WHO)


def ranked(request: RerankingRequest) -> RerankingResponse:
    shared = [len(set(request.query) & set(document)) for document in request.documents]
    order = sorted(range(len(shared)), key=lambda place: -shared[place])
    return RerankingResponse(ranking=tuple(Ranked(place, float(shared[place])) for place in order), **WHO)


def painted(request: ImageRequest) -> ImageResponse:
    return ImageResponse(images=(GeneratedImage(data=picture().data),) * request.count, **WHO)


def spoken(request: SpeechRequest) -> SpeechResponse:
    return SpeechResponse(audio=sound().data or b"", **WHO)


def heard(request: TranscriptionRequest) -> TranscriptionResponse:
    segments = (Segment(0.0, 0.5, "雨です。"), Segment(0.5, 1.0, "晴れです。"))
    return TranscriptionResponse(text="雨です。晴れです。", segments=segments, words=(Word(0.0, 0.2, "雨"),), **WHO)


def sounds(response: SpeechResponse) -> list[Any]:
    return [AudioDelta(response.audio[:100]), AudioDelta(response.audio[100:])]


def words(response: TranscriptionResponse) -> list[Any]:
    return [event for segment in response.segments for event in (TranscriptDelta(segment.text), SegmentTranscribed(segment))]


IMAGES = card("image", generate=True, edit=False, mask=False, variation=False, upscale=False)
SPEECHES = card("transcription", segment_timestamps=True, word_timestamps=True, translate=False)


class TestEmbedding(EmbeddingConformance):
    model_id = "own:m"

    def model(self) -> AnyModel:
        return Whole(card("embedding"), embedded)


class TestReranking(RerankingConformance):
    model_id = "own:m"

    def model(self) -> AnyModel:
        return Whole(card("reranking"), ranked)


class TestImage(ImageConformance):
    model_id = "own:m"

    def model(self) -> AnyModel:
        return Whole(IMAGES, painted)


class TestSpeech(SpeechConformance):
    model_id = "own:m"

    def model(self) -> AnyModel:
        return Pieces(card("speech"), spoken, cut=sounds)


class TestTranscription(TranscriptionConformance):
    model_id = "own:m"

    def model(self) -> AnyModel:
        return Pieces(SPEECHES, heard, cut=words)


class Held:
    """What turns a conformance class into one that holds a broken model."""

    model_id: ClassVar[str] = "own:m"

    def __init__(self, broken: AnyModel) -> None:
        self.broken = broken

    def model(self) -> AnyModel:
        return self.broken


class Embedding(Held, EmbeddingConformance):
    pass


class Reranking(Held, RerankingConformance):
    pass


class Image(Held, ImageConformance):
    pass


class Speech(Held, SpeechConformance):
    pass


class Transcription(Held, TranscriptionConformance):
    pass


@pytest.fixture
def here() -> Driven:
    with driven("blocking", FakeRuntime()) as caller:
        return caller


def test_a_vector_too_few_is_caught(here: Driven) -> None:
    broken = Whole(card("embedding"), lambda request: embedded(replace(request, inputs=request.inputs[1:])))
    with pytest.raises(AssertionError, match="3 inputs gave 2 vectors"):
        Embedding(broken).test_each_input_has_one_finite_vector(here)


@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_a_vector_of_no_numbers_is_caught(strange: float, here: Driven) -> None:
    buffer, count, dimensions = pack([[1.0, strange]] * 3)
    broken = EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions, **WHO)
    with pytest.raises(AssertionError, match="NaN or infinity"):
        Embedding(Whole(card("embedding"), lambda _: broken)).test_each_input_has_one_finite_vector(here)


def test_a_card_with_other_dimensions_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="The card says 7 dimensions, the vectors have 8"):
        Embedding(Whole(replace(card("embedding"), dimensions=7), embedded)).test_each_input_has_one_finite_vector(here)


def test_vectors_in_another_order_are_caught(here: Driven) -> None:
    broken = Whole(card("embedding"), lambda request: embedded(replace(request, inputs=tuple(sorted(request.inputs)))))
    with pytest.raises(AssertionError, match="keep vectors with their inputs"):
        Embedding(broken).test_a_vector_depends_on_its_own_input_alone(here)


def test_a_stream_of_what_comes_whole_is_caught(here: Driven) -> None:
    broken = Pieces(card("embedding"), embedded, cut=lambda _: [])
    with pytest.raises(AssertionError, match="raise Unsupported"):
        Embedding(broken).test_a_stream_is_refused(here)


@pytest.mark.parametrize(
    ("message", "ranking"),
    [
        ("came twice", (Ranked(0, 2.0), Ranked(0, 1.0))),
        ("that were not given", (Ranked(3, 2.0),)),
        ("do not fall", (Ranked(0, 1.0), Ranked(1, 2.0))),
    ],
)
def test_a_ranking_that_is_none_is_caught(message: str, ranking: tuple[Ranked, ...], here: Driven) -> None:
    broken = RerankingResponse(ranking=ranking, **WHO)
    with pytest.raises(AssertionError, match=message):
        Reranking(Whole(card("reranking"), lambda _: broken)).test_documents_come_best_first_and_once_each(here)


def test_more_pictures_than_asked_for_are_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="2 pictures came, 1 were asked for"):
        Image(Whole(IMAGES, lambda request: painted(replace(request, count=2)))).test_every_picture_is_one(here)


def test_a_picture_of_no_known_format_is_caught(here: Driven) -> None:
    strange = ImageResponse(images=(GeneratedImage(data=b"<html>"),), **WHO)
    with pytest.raises(AssertionError, match="no known format"):
        Image(Whole(IMAGES, lambda _: strange)).test_every_picture_is_one(here)


def test_an_operation_ignored_in_silence_is_caught(here: Driven) -> None:
    with pytest.raises(AssertionError, match="'edit': False"):
        Image(Whole(card("image", generate=True), painted)).test_nothing_is_dropped_in_silence(here)


def test_a_sound_that_is_no_sound_is_caught(here: Driven) -> None:
    for message, audio, kind in (
        ("is empty", b"", "audio/wav"),
        ("'audio/mpeg', the bytes are audio/wav", sound().data, "audio/mpeg"),
    ):
        broken = SpeechResponse(audio=audio or b"", media_type=kind, **WHO)
        with pytest.raises(AssertionError, match=message):
            Speech(Whole(card("speech"), lambda _, it=broken: it)).test_the_sound_is_what_its_media_type_says(here)


def test_a_sound_streamed_in_part_is_caught(here: Driven) -> None:
    broken = Pieces(card("speech"), spoken, cut=lambda response: sounds(response)[:1])
    with pytest.raises(AssertionError, match="stream all of the sound"):
        Speech(broken).test_a_stream_finishes_once_and_its_pieces_join_to_the_answer(here)


def test_times_that_go_backwards_are_caught(here: Driven) -> None:
    for message, segments in (
        ("ends before it starts", (Segment(1.0, 0.5, "雨"),)),
        ("starts before the one ahead", (Segment(1.0, 2.0, "雨"), Segment(0.5, 0.9, "晴れ"))),
    ):
        broken = TranscriptionResponse(text="雨", segments=segments, **WHO)
        with pytest.raises(AssertionError, match=message):
            Transcription(Whole(SPEECHES, lambda _, it=broken: it)).test_times_go_forward(here)


def test_a_segment_untold_is_caught(here: Driven) -> None:
    broken = Pieces(SPEECHES, heard, cut=lambda response: words(response)[:-1])
    with pytest.raises(AssertionError, match="tell each one once"):
        Transcription(broken).test_a_stream_finishes_once_and_its_pieces_join_to_the_answer(here)


def test_a_model_that_answers_whole_only_skips_the_laws_of_streams(here: Driven) -> None:
    with pytest.raises(pytest.skip.Exception, match="answers whole only"):
        Image(Whole(IMAGES, painted)).test_a_stream_collects_to_what_call_gives(here)


def test_neighbouring_pieces_are_merged_whatever_they_carry() -> None:
    pieces = [TranscriptDelta("雨"), TranscriptDelta("です"), AudioDelta(b"a"), AudioDelta(b"b"), TranscriptDelta("。")]
    assert merge(pieces) == [TranscriptDelta("雨です"), AudioDelta(b"ab"), TranscriptDelta("。")]


def test_collect_gives_the_response_of_a_good_stream() -> None:
    response = heard(TranscriptionRequest(audio=sound()))
    assert collect([*words(response), Finished(response)]) is response
