"""The Open Inference Protocol V2: what a model is, what is asked of it, and how it answers.

github.com/kserve/open-inference-protocol, with the binary tensor extension that tritonclient uses by default.
"""
