"""Is a run still what it was when it was made: its files, its manifest, this machine, the data, and the run made again."""
