"""Who may come in: keys, accounts, sessions, and how often; ``gateway.gatekeeper`` asks here before anything else."""
