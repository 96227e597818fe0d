"""Ways to run PneumoServe: embedded on one machine, containers, a cluster."""
