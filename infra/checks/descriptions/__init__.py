"""Reads the three descriptions of the system into one model, so that they can be compared."""
