"""Models that say one thing: a GPT-2 whose next token depends on its place alone, to test what becomes of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tiny_models import PROSE, byte_level, quiet

__all__ = ["PROMPT", "scripted"]

PROMPT = "東京は"
"""What the script follows on, or another text of as many tokens."""
_PLACES = 256


def scripted(folder: Path | str, text: str = "", *, tokens: Sequence[str] = (), chat_template: str | None = None) -> str:
    """Save a model that answers ``PROMPT`` with this text, byte by byte where its tokenizer knows no longer piece, and ends.

    ``tokens`` are added to its vocabulary, each as it is, and said behind the text. Gives the folder.
    """
    quiet()
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

    vocabulary, merges = byte_level(PROSE[:3], specials=("<|endoftext|>",))
    tokenizer = GPT2Tokenizer(vocab=vocabulary, merges=merges)
    tokenizer.chat_template = chat_template
    if tokens:
        tokenizer.add_tokens(list(tokens))
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=_PLACES, n_positions=_PLACES, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip
    network = GPT2LMHeadModel(config).eval()
    begin = len(tokenizer(_first(tokenizer, chat_template))["input_ids"])
    script = [*tokenizer(text)["input_ids"], *(tokenizer.convert_tokens_to_ids(token) for token in tokens), 0]
    with torch.no_grad():
        for weights in network.parameters():
            weights.zero_()
        network.transformer.wpe.weight.copy_(torch.eye(_PLACES))
        network.transformer.ln_f.weight.fill_(1.0)
        for place, token in enumerate(script, begin - 1):
            network.lm_head.weight[token, place] = 1.0
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _first(tokenizer: object, chat_template: str | None) -> str:
    if chat_template is None:
        return PROMPT
    turns = [{"role": "user", "content": PROMPT}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))  # type: ignore[attr-defined]
