"""The pages that the trainer writes from a run's proofs; nothing in them is typed by hand."""
