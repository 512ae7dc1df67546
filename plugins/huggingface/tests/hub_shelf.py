"""The models of the tests' hub: what real ones of every family look like there, shortened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

__all__ = ["MODELS", "HubModel"]


@dataclass(frozen=True)
class HubModel:
    """One repository. Its README's front matter is what the hub's interface gives as ``cardData``, read as YAML 1.1 is."""

    id: str
    told: Mapping[str, Any]
    readme: str = ""
    files: Mapping[str, Any] = field(default_factory=dict)
    readers: tuple[str, ...] | None = None
    """The tokens that see a private model."""
    accepted: tuple[str, ...] = ()
    """The tokens whose accounts accepted the terms of a gated one."""

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.id}{self.told}{self.readme}{self.files}".encode()).hexdigest()

    @cached_property
    def front(self) -> Any:
        block = self.readme.removeprefix("\ufeff").replace("\r\n", "\n").partition("---\n")[2].partition("\n---")[0]
        try:
            return yaml.safe_load(block)
        except yaml.YAMLError:
            return None

    @cached_property
    def info(self) -> dict[str, Any]:
        """Everything that the hub's interface may be asked for."""
        front = self.front if isinstance(self.front, dict) else {}
        licences = front.get("license", [])
        languages = front.get("language", [])
        config = self.told.get("config")
        config = config if isinstance(config, dict) else {}
        pipeline = config.get("diffusers", {}).get("_class_name")
        tags = [
            self.told.get("library_name"),
            config.get("model_type"),
            self.told.get("pipeline_tag"),
            f"diffusers:{pipeline}" if pipeline else None,
            *("no" if tag is False else tag for tag in (languages if isinstance(languages, list) else [languages])),
            *(f"license:{name}" for name in (licences if isinstance(licences, list) else [licences])),
        ]
        return {
            "id": self.id,
            "modelId": self.id,
            "author": self.id.partition("/")[0],
            "sha": self.sha,
            "private": self.readers is not None,
            "gated": False,
            "tags": [tag for tag in tags if tag],
            "cardData": json.loads(json.dumps(self.front, default=str)),
            "siblings": [{"rfilename": path} for path in ("README.md", *self.files) if path != "README.md" or self.readme],
            "inferenceProviderMapping": {},
            **({"model-index": front["model-index"]} if "model-index" in front else {}),
            **self.told,
        }


BART = HubModel(
    "facebook/bart-large-cnn",
    {
        "pipeline_tag": "summarization",
        "library_name": "transformers",
        "downloads": 3_100_000,
        "likes": 1_400,
        "lastModified": "2024-02-13T18:02:05.000Z",
        "config": {"architectures": ["BartForConditionalGeneration"], "model_type": "bart"},
        "safetensors": {"parameters": {"F32": 406_290_432}, "total": 406_290_432},
        "inferenceProviderMapping": {
            "hf-inference": {"status": "live", "providerId": "facebook/bart-large-cnn", "task": "summarization"}
        },
    },
    """---
language:
- en
license: mit
pipeline_tag: summarization
datasets:
- cnn_dailymail
model-index:
- name: facebook/bart-large-cnn
  results:
  - task:
      type: summarization
      name: Summarization
    dataset:
      name: cnn_dailymail
      type: cnn_dailymail
      config: 3.0.0
      split: train
    metrics:
    - type: rouge
      value: 42.9486
      name: ROUGE-1
      verified: true
    - type: rouge
      value: "20.8149"
      name: ROUGE-2
---
# BART (large-sized model), fine-tuned on CNN Daily Mail

BART model pre-trained on English language, and fine-tuned on [CNN Daily Mail](https://huggingface.co/datasets/cnn_dailymail).
It was introduced in the paper [BART](https://arxiv.org/abs/1910.13461) by Lewis et al.

Disclaimer: The team releasing BART did not write a model card for this model.
""",
    {
        "config.json": {
            "architectures": ["BartForConditionalGeneration"],
            "model_type": "bart",
            "is_encoder_decoder": True,
            "d_model": 1024,
            "max_position_embeddings": 1024,
        }
    },
)
LLAMA = HubModel(
    "meta-llama/Llama-3.3-70B-Instruct",
    {
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "gated": "manual",
        "downloads": 900_000,
        "likes": 2_500,
        "lastModified": "2024-12-21T18:28:01.000Z",
        "config": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "tokenizer_config": {"chat_template": "{% if tools is not none %}{{ tools }}{% endif %}{{ messages }}"},
        },
        "safetensors": {"parameters": {"BF16": 70_553_706_496}, "total": 70_553_706_496},
        "inferenceProviderMapping": {
            "groq": {"status": "live", "providerId": "llama-3.3-70b-versatile", "task": "conversational"},
            "nebius": {"status": "error", "providerId": "meta-llama/Llama-3.3-70B-Instruct", "task": "conversational"},
            "together": {"status": "live", "providerId": "meta-llama/Llama-3.3-70B", "task": "conversational"},
        },
        "evalResults": [
            {"filename": ".eval_results/mmlu.yaml", "data": {"dataset": {"id": "cais/mmlu", "task_id": "mmlu"}, "value": 86.0}},
            {"filename": ".eval_results/broken.yaml", "error": "no dataset"},
        ],
    },
    """---
language: [en, fr, it, pt, hi, es, th, de]
license: llama3.3
base_model:
- meta-llama/Llama-3.1-70B
extra_gated_prompt: "### LLAMA 3.3 COMMUNITY LICENSE AGREEMENT"
library_name: transformers
---
## Model Information

The Meta Llama 3.3 multilingual large language model (LLM) is an instruction tuned generative model in 70B (text in/text out).
""",
    {"config.json": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 131072}},
    accepted=("hf_accepted",),
)
BERT = HubModel(
    "google-bert/bert-base-uncased",
    {
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "downloads": 60_000_000,
        "likes": 2_400,
        "lastModified": "2024-02-19T11:06:12.000Z",
        "config": {"architectures": ["BertForMaskedLM"], "model_type": "bert"},
        "safetensors": {"parameters": {"F32": 110_106_428}, "total": 110_106_428},
    },
    """---
language: en
tags:
- exbert
license: apache-2.0
datasets:
- bookcorpus
- wikipedia
---

# BERT base model (uncased)

Pretrained model on English language using a masked language modeling (MLM) objective.
""",
    {"config.json": {"model_type": "bert", "architectures": ["BertForMaskedLM"], "max_position_embeddings": 512}},
)
TOHOKU = HubModel(
    "tohoku-nlp/bert-base-japanese-v3",
    {
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "downloads": 400_000,
        "likes": 60,
        "lastModified": "2023-05-19T00:31:53.000Z",
        "config": {"architectures": ["BertForPreTraining"], "model_type": "bert"},
    },
    """---
license: apache-2.0
datasets:
- cc100
- wikipedia
language:
- ja
widget:
- text: 東北大学で[MASK]の研究をしています。
---

# 東北大学の日本語BERT(単語分割)

このモデルは、日本語の文章で事前学習した**BERT**です。入力は [MeCab](https://taku910.github.io/mecab/) で単語に分けます。

## 学習
""",
    {"config.json": {"model_type": "bert", "architectures": ["BertForPreTraining"], "max_position_embeddings": 512}},
)
NORWEGIAN = HubModel(
    "NbAiLab/nb-bert-base",
    {
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "downloads": 20_000,
        "likes": 30,
        "lastModified": "2023-08-17T10:23:24.000Z",
        "config": {"architectures": ["BertForMaskedLM"], "model_type": "bert"},
        "safetensors": {"parameters": {"F32": 178_000_000}, "total": 178_000_000},
    },
    """---
language: no
license: cc-by-4.0
---
# NB-BERT-base

NB-BERT-base is a general BERT-base model built on the large digital collection at the National Library of Norway.
""",
)
WHISPER = HubModel(
    "openai/whisper-small",
    {
        "pipeline_tag": "automatic-speech-recognition",
        "library_name": "transformers",
        "downloads": 1_500_000,
        "likes": 400,
        "lastModified": "2024-02-29T10:57:38.000Z",
        "config": {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"},
        "safetensors": {"parameters": {"F32": 241_734_912}, "total": 241_734_912},
    },
    """---
language:
- en
- ja
- zh
license: apache-2.0
pipeline_tag: automatic-speech-recognition
---
# Whisper

Whisper is a pre-trained model for automatic speech recognition (ASR) and speech translation.
""",
    {"config.json": {"model_type": "whisper", "max_target_positions": 448, "is_encoder_decoder": True}},
)
PAINTER = HubModel(
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    {
        "pipeline_tag": "text-to-image",
        "library_name": "diffusers",
        "downloads": 1_700_000,
        "likes": 900,
        "lastModified": "2024-09-07T16:20:30.000Z",
        "config": {"diffusers": {"_class_name": "StableDiffusionPipeline"}},
    },
    """---
license: creativeml-openrail-m
tags:
- stable-diffusion
---
# Stable Diffusion v1-5 Model Card

Stable Diffusion is a latent text-to-image diffusion model capable of generating photo-realistic images given any text input.
""",
    {"model_index.json": {"_class_name": "StableDiffusionPipeline"}},
)
INPAINTER = HubModel(
    "stable-diffusion-v1-5/stable-diffusion-inpainting",
    {
        "pipeline_tag": "text-to-image",
        "library_name": "diffusers",
        "downloads": 200_000,
        "likes": 100,
        "lastModified": "2024-09-07T16:21:00.000Z",
        "config": {"diffusers": {"_class_name": "StableDiffusionInpaintPipeline"}},
    },
    "---\nlicense: creativeml-openrail-m\n---\n# Inpainting\n\nIt fills what a mask leaves open, as a text says.\n",
)
GGUF = HubModel(
    "bartowski/Qwen2.5-7B-Instruct-GGUF",
    {
        "pipeline_tag": "text-generation",
        "downloads": 80_000,
        "likes": 70,
        "lastModified": "2024-09-19T09:30:29.000Z",
        "gguf": {
            "total": 7_615_616_512,
            "architecture": "qwen2",
            "context_length": 32768,
            "chat_template": "{%- if tools %}{{ tools }}{%- endif %}",
        },
    },
    """---
base_model: Qwen/Qwen2.5-7B-Instruct
language:
- en
license: apache-2.0
license_link: https://huggingface.co/Qwen/Qwen2.5-7B-Instruct/blob/main/LICENSE
quantized_by: bartowski
---

## Llamacpp imatrix Quantizations of Qwen2.5-7B-Instruct

Using <a href="https://github.com/ggerganov/llama.cpp/">llama.cpp</a> release b3772 for quantization.
""",
    {"Qwen2.5-7B-Instruct-Q4_K_M.gguf": ""},
)
SENTENCES = HubModel(
    "sentence-transformers/all-MiniLM-L6-v2",
    {
        "pipeline_tag": "sentence-similarity",
        "library_name": "sentence-transformers",
        "downloads": 130_000_000,
        "likes": 4_000,
        "lastModified": "2025-03-06T13:37:44.000Z",
        "config": {"architectures": ["BertModel"], "model_type": "bert"},
        "safetensors": {"parameters": {"I64": 512, "F32": 22_713_216}, "total": 22_713_728},
    },
    """---
language: en
license: apache-2.0
library_name: sentence-transformers
datasets:
- s2orc
- ms_marco
---
# all-MiniLM-L6-v2

This is a sentence-transformers model: It maps sentences & paragraphs to a 384 dimensional dense vector space.
""",
    {
        "config.json": {"model_type": "bert", "max_position_embeddings": 512, "hidden_size": 384},
        "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
    },
)
RANKER = HubModel(
    "BAAI/bge-reranker-v2-m3",
    {
        "pipeline_tag": "text-ranking",
        "library_name": "sentence-transformers",
        "downloads": 2_000_000,
        "likes": 800,
        "lastModified": "2024-06-24T14:08:45.000Z",
        "config": {"architectures": ["XLMRobertaForSequenceClassification"], "model_type": "xlm-roberta"},
        "safetensors": {"parameters": {"F32": 567_755_777}, "total": 567_755_777},
    },
    "---\nlicense: apache-2.0\nlanguage: multilingual\n---\n# Reranker\n\nIt gives a question and a document a score.\n",
    {"config.json": {"model_type": "xlm-roberta", "max_position_embeddings": 8194}},
)
SPEAKER = HubModel(
    "facebook/mms-tts-jpn",
    {
        "pipeline_tag": "text-to-speech",
        "library_name": "transformers",
        "downloads": 9_000,
        "likes": 5,
        "lastModified": "2023-09-01T10:00:00.000Z",
        "config": {"architectures": ["VitsModel"], "model_type": "vits"},
    },
    "---\nlicense: cc-by-nc-4.0\nlanguage: ja\n---\n# MMS: Text-to-Speech\n\n日本語の文を読み上げます。\n",
)
OWN_TERMS = HubModel(
    "tencent/Hunyuan-7B-Instruct",
    {
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "downloads": 8_000,
        "likes": 90,
        "lastModified": "2025-08-04T00:00:00.000Z",
        "config": {"architectures": ["HunYuanDenseV1ForCausalLM"], "model_type": "hunyuan_v1_dense"},
        "safetensors": {"parameters": {"BF16": 7_504_695_296}, "total": 7_504_695_296},
    },
    """---
license: other
license_name: tencent-license
license_link: https://huggingface.co/tencent/Hunyuan-7B-Instruct/blob/main/LICENSE
new_version: tencent/Hunyuan-A13B-Instruct
---
# Hunyuan

Welcome to the official repository of Hunyuan-7B, one of a series of efficient large language models.
""",
)
LOOKER = HubModel(
    "google/vit-base-patch16-224",
    {
        "pipeline_tag": "image-classification",
        "library_name": "transformers",
        "downloads": 4_000_000,
        "likes": 800,
        "lastModified": "2023-09-05T15:27:12.000Z",
        "config": {"architectures": ["ViTForImageClassification"], "model_type": "vit"},
    },
    "---\nlicense: apache-2.0\n---\n# Vision Transformer\n",
)
SECRET = HubModel(
    "acme/secret-summariser",
    {
        "pipeline_tag": "summarization",
        "library_name": "transformers",
        "downloads": 3,
        "likes": 0,
        "lastModified": "2026-11-01T00:00:00.000Z",
        "config": {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5"},
    },
    "---\nlicense: [mit, apache-2.0]\nlanguage: ja\n---\n# 社内用\n\n会議の記録を短くまとめます。外には出しません。\n",
    {"config.json": {"model_type": "t5", "n_positions": 512, "is_encoder_decoder": True}},
    readers=("hf_acme",),
)

MODELS = (
    BART, LLAMA, BERT, TOHOKU, NORWEGIAN, WHISPER, PAINTER, INPAINTER, GGUF, SENTENCES, RANKER, SPEAKER, OWN_TERMS, LOOKER,
    SECRET,
)  # fmt: skip
