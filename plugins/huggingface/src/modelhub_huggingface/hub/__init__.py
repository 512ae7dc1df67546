"""The hub as a catalog: models are searched for, described, and found in its cache on this machine."""
