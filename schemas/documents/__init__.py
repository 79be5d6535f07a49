"""Digital copies of documents: what their bytes are, whatever their sender says they are.

Here: telling PDF, JPEG, PNG, XML and JSON apart by their structure, what hides in them (`sniff`), and what a wrapped
trade document names (`credential`). May import: `schemas`. Values in, values out: nothing is opened, run or fetched;
every function is total, whatever the bytes.
"""
