"""Chaos: the hub's real processes are killed, starved and lied to while people edit; then nothing may be lost."""
