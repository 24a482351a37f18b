"""Plans: what a full sync would do, found out on a copy by the very code that syncs, and kept to be looked at."""
