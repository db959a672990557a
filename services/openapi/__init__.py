"""The OpenAPI document: derived from the endpoint table, so that it cannot say anything else."""
