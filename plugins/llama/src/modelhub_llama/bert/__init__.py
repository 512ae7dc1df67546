"""A BERT's vectors computed by numpy, or with torch's matrix products: the same GGUF file, and no llama.cpp."""
