"""GGUF files: their headers read in the standard library alone, their names, and the cards made of them."""
