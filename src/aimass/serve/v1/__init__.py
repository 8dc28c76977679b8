"""The prediction protocol that TensorFlow Serving and KServe V1 share: instances or inputs in, answers out."""
