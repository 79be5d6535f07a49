"""The reference: every promise kept in memory, under the same contracts as the real grounds."""
