"""Plans become rows: ids in the place of references, then one statement per table for any number of plans."""
