"""Everything between a request and the bytes: endpoints, decoders, credentials, and the two runtimes."""
