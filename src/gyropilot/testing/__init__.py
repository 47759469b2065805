"""Conformance suites for plug-ins: subclass a suite, override its fixture, and pytest does the rest."""
