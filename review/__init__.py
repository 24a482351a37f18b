"""The desk: where people see questions and decide them."""
