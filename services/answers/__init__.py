"""The shapes of answers that upstream decides: what clients may lean on, and room for the rest."""
