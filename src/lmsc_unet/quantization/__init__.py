"""8-bit integers: the algebra before and after rounding, calibration, and the choice of layers."""
