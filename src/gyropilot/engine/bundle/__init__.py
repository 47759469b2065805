"""Models as files: a manifest and an ONNX predictor. Opening one runs no code of its maker."""
