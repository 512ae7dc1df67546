"""The models that there are where the options say that they run, as cards."""

from __future__ import annotations

from modelhub.plugin import ModelCard, Runtime
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["listing"]


async def listing(options: HuggingFaceOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """What the router offers, or what an endpoint runs; what lies on this machine is told without asking anybody.

    Raises what asking a server may raise.
    """
    options = options or HuggingFaceOptions()
    if options.place("") == "endpoint":
        from modelhub_huggingface.endpoints.listing import listing as at_endpoint

        return await at_endpoint(options, runtime)
    if options.place("") == "router":
        from modelhub_huggingface.router.listing import listing as at_router

        return await at_router(options, runtime)
    return ()
