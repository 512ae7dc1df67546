"""Sentence transformers as GGUF files: read from their folders and written with numpy and the standard library."""
