"""The router (Inference Providers): one account, many providers, each task in its provider's own form."""
