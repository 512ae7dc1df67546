"""From ``modelhub.toml`` to frozen specs, with errors that say file and line."""
