"""In the place of SciPy, which WhisperLive's client imports and does not use."""
