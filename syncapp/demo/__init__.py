"""The demo: three systems, one hub, on one machine."""
