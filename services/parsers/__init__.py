"""Pure parsers: upstream answers in, our shapes out; no I/O, no clock, no chance."""
