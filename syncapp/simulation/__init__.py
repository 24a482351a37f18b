"""The fault machine: the hub's own steps over a store in memory and simulated accounts that misbehave."""
