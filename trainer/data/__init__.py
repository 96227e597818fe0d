"""Films: where they lie, what is known of them, who they belong to, and their pixels."""
