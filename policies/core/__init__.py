"""The judge: decides, purely. No clock, randomness, logging or I/O; time and counts are arguments (`Context`)."""
