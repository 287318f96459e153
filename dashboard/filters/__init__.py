"""The filter bar of each list: a search box and a few choices, all of them in the address."""
