"""Exports a trained network to one ONNX file, float32 or INT8, and verifies it against the original."""
