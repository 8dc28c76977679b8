"""The console: the same steps and catalog, in a browser.  Thin: it asks the catalog and owns no truth.

`app` is the application, `access` who may do what, `api` one file a resource, `live` what changes while one looks on,
`static` the front end as it was built, `jobs` carries out what was asked for, `up` keeps the processes behind it all.
"""
