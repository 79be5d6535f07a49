"""The interface described for machines, generated from the routes, the error table and the schemas."""
