"""Ollama's own API: chat, plain completion, embeddings, what there is, and what can be pulled."""
