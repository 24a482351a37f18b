"""Connect an account by hand: choose a provider, sign in, test, bind and map, look at what would happen."""
