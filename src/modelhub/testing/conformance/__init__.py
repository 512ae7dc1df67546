"""What every model, endpoint and plugin must hold: classes that a plugin's tests subclass in five lines."""
