"""Prepare: a dataset becomes examples.

Column kinds are found (and can be overridden), rows are split, and constants fitted on the training split become
one ONNX graph: the only implementation of preprocessing, used for training, for serving and for watching.
"""

PARTS = {
    "number": ".number:Number",
    "category": ".category:Category",
    "date": ".date:Date",
    "text": ".text:Text",
    "image": ".image:Image",
}
