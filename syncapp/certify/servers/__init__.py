"""The real servers of the development environment: how each is started, reached and driven."""
