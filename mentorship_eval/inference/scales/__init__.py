"""Scales of questionnaire items: keys as data, scores, internal consistency; shared by the reading of files and the engine of surveys.

They stand here because neither may import the other: an instrument is scored in one way, whoever asks.
"""
