"""Work behind answers: what is fetched although nobody's thread waits for it."""
