"""Retrieval: documents, cut into passages, found by words or by meaning, put before a model, and cited in its answer."""
