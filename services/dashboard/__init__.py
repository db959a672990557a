"""The operator's page: what it is told, how far back, and who may see what."""
