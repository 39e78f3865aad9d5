"""From a trained network to one ONNX file, float32 or INT8, and proof that it still is the same network."""
