"""What the gateway costs as keys, instances and traffic grow: measured, rehearsed and modelled."""
