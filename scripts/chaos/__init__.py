"""Every fault and abuse of the matrix, done to real gateways: what was promised, what came."""
