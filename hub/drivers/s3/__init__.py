"""Drivers on an object store that speaks S3: blobs for hubs on several machines, or for more of them than a disk takes.

May import: ports, core. Never: rules, or another driver.
"""
