"""8-bit quantization: transformations of the network, calibration, and the choice of layers."""
