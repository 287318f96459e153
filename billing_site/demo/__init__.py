"""A believable merchant for the first minute: its shop, its people and fourteen months of their story.

`people` and `story` are pure and depend on a seed only; `simulation` lives the story through the product's own
services, day by day; `shop`, `accounts` and `seeding` set the stage.
"""
