"""The models that there are where the options say that they run, as cards."""

from __future__ import annotations

from modelhub.plugin import ModelCard, Runtime, Searched
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["listing"]


async def listing(options: HuggingFaceOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """What the router offers, unless the hub is not to be asked, or what an endpoint runs; what lies on this machine is told
    without asking anybody.

    Raises what asking a server may raise.
    """
    options = options or HuggingFaceOptions()
    if options.place("") == "endpoint":
        from modelhub_huggingface.endpoints.listing import listing as at_endpoint

        return await at_endpoint(options, runtime)
    if options.place("") == "router":
        from modelhub_huggingface.hub.source import offline_by
        from modelhub_huggingface.router.listing import listing as at_router

        if why := offline_by(options):
            return Searched(note=f"the router was not asked ({why}): these are the models that lie on this machine.")
        return await at_router(options, runtime)
    return ()
