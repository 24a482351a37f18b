"""The pages of what is kept in step: the syncs there are, how one is made, and how one that is in use is changed."""
