"""Files to request: what a model is sent."""
