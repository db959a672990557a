"""The gateway's services, floor by floor: vocabulary, engine, endpoints, and what serves them."""
