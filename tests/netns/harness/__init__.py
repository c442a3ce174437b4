"""The namespace tests' harness: topology, processes, daemons and peers. Python 3.11, standard library only."""
