"""Nobody is computed for who does not wait any more: every network stops before its next layer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from modelhub_huggingface.local import ctc, voices, whisper
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.hearing import heard
from modelhub_huggingface.local.watching import Left, Watch
from modelhub_huggingface.options import HuggingFaceOptions
from tiny_sound import spoken, tones, wav

from modelhub.plugin import AudioPart

torch = pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

OPTIONS = HuggingFaceOptions()


class Asking:
    """Somebody who waits for so many questions, and then no more."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked <= self.patience


def listening(made: Callable[..., str]) -> Callable[[Any], object]:
    model, sound = whisper.load(ModelFolder(made("tiny_sound", "whisper")), OPTIONS), heard(AudioPart(data=wav(tones(2))))
    return lambda wanted: whisper.written_down(model, sound, 0.0, whisper.Asked(language="ja", total=len(sound)), wanted)


def hearing(made: Callable[..., str]) -> Callable[[Any], object]:
    model, sound = ctc.load(ModelFolder(made("tiny_sound", "ctc")), OPTIONS), heard(AudioPart(data=wav(spoken("abc"))))
    return lambda wanted: ctc.moments(model, sound, 0, wanted)


def speaking(made: Callable[..., str]) -> Callable[[Any], object]:
    model = voices.load(ModelFolder(made("tiny_sound", "vits")), OPTIONS)
    return lambda wanted: voices.spoken(model, voices.Asked(text="とうだい"), wanted)


@pytest.mark.parametrize("work", [listening, hearing, speaking])
def test_a_network_stops_before_its_next_layer(work: Callable[..., Callable[[Any], object]], made: Callable[..., str]) -> None:
    run = work(made)
    whole = Asking(1_000_000)
    answer = run(whole)
    assert whole.asked >= 4
    for patience in (0, 1, whole.asked // 2, whole.asked - 1):
        leaving = Asking(patience)
        with pytest.raises(Left):
            run(leaving)
        assert leaving.asked == patience + 1
    again = Asking(1_000_000)
    assert repr(run(again)) == repr(answer)
    assert again.asked == whole.asked


def test_layers_are_watched_that_stand_in_lists_however_deep() -> None:
    from torch import nn

    network, inner = nn.Sequential(nn.Linear(2, 2)), nn.ModuleList([nn.Identity(), nn.Identity()])
    network[0].below = inner
    watch, asking = Watch(), Asking(10)
    watch.put_on(network)
    with watch.during(asking):
        network(torch.zeros(1, 2))
        inner[1](torch.zeros(1))
    assert asking.asked == 3  # at the beginning, before the network, and before the layer
    network(torch.zeros(1, 2))
    assert asking.asked == 3


def test_chance_of_one_thread_is_not_that_of_another() -> None:
    from modelhub_huggingface.local.dice import seeded

    def drawn(seed: int) -> list[float]:
        with seeded(seed):
            numbers = [*torch.randn(3).tolist(), *torch.randn_like(torch.zeros(2)).tolist(), *torch.rand(2).tolist()]
            return [*numbers, *torch.multinomial(torch.ones(9), 4).tolist()]

    torch.manual_seed(5)
    free = torch.randn(4).tolist()
    torch.manual_seed(5)
    told: dict[int, list[list[float]]] = {1: [], 2: []}
    threads = [threading.Thread(target=lambda seed=seed: told[seed].append(drawn(seed))) for seed in (1, 2) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.randn(4).tolist() == free, "the generator that all share was drawn from"
    assert all(one == told[1][0] for one in told[1])
    assert all(one == told[2][0] for one in told[2])
    assert told[1][0] != told[2][0]
