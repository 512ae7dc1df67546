"""Regular expressions of a schema, written anew in the little of their language that llama.cpp can hold a model to."""
