"""The six kinds: for each the request, the response, the events, and the laws they keep."""
