"""The data folder of a workspace as people of the console fill it.

`uploads` takes files in pieces, in order and any number of attempts; `folder` is what lies there.  A path of a request
never reaches the disk: names are checked (`names`) and then looked for among those that are there.
"""
