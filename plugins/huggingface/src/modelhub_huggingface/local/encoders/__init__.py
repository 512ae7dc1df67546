"""Models that read and judge: an encoder's answer comes at once, and its scores tell how sure it is."""
