"""A day's work for six open models: a summary, code, a label, vectors, a voice and its words, a picture. See modelhub.toml."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import modelhub

REPORT = (
    "The lighthouse at the northern pier was closed for repairs in March. Its lamp had been failing since the storms of "
    "January, and ships were asked to use the southern entrance. The harbour office says that it will be lit before summer."
)
CODE = "def mean(numbers):\n    "
COMPLAINT = "灯台の明かりが三日も消えたままです。早く直してください。"
NOTES = ("The lamp is broken.", "灯台の電球が切れた。", "Bread needs flour, water, salt and time.")

Label = Literal["praise", "complaint", "question"]


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path()
    with modelhub.Hub(Path(__file__).with_name("modelhub.toml")) as hub:
        for name, result in work(hub, folder).items():
            print(f"{name}: {json.dumps(result, ensure_ascii=False)}")


def work(hub: modelhub.Hub, folder: Path) -> dict[str, Any]:
    """Each result by the name of the model that gave it."""
    summary = hub.text("summariser").generate(REPORT)
    completed = hub.text("coder").generate(CODE)
    labelled = hub.text("classifier").generate(COMPLAINT, output_type=Label)
    vectors = hub.embedding("embedder").embed(NOTES).array()
    spoken = hub.speech("reader").speak("The lamp will be lit again.")
    heard = hub.transcription("listener").transcribe(spoken.bytes())
    painted = hub.image("painter").generate("a lighthouse at night / 夜の灯台", size=(64, 64), seed=7)
    painted.save(folder / "lighthouse.png")
    return {
        "summariser": {"text": summary.text, "model": summary.model, "tokens": summary.usage.output_tokens},
        "coder": {"text": completed.text, "model": completed.model, "tokens": completed.usage.output_tokens},
        "classifier": {"label": labelled.output, "model": labelled.model},
        "embedder": {"shape": vectors.shape, "alike": round(float(vectors[0] @ vectors[1]), 3)},
        "reader": {"seconds": spoken.duration, "type": spoken.media_type},
        "listener": {"text": heard.text, "model": heard.model},
        "painter": {"file": "lighthouse.png", "bytes": len(painted.bytes()), "type": painted.images[0].media_type},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
