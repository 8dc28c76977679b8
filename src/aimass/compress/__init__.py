"""Compress: a model becomes a smaller or faster one.  A pass never reports its own benefit; `measure` does."""

PARTS = {
    "quantize-int8": ".quantize_static:QuantizeInt8",
    "quantize-int8-dynamic": ".quantize_dynamic:QuantizeInt8Dynamic",
}
